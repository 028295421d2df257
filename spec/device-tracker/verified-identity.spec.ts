import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BY_MASTER, BY_US, identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain, type Trusting } from "../support/trusting.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const OURS = { userId: ALICE, name: "aliceU" };
/** The application knows our own master key. */
const KNOWN = { ownMasterKey: keyOf("aliceM") };
const own = (name: string) => together(listOf(ALICE), identityOf(ALICE, name, { own: true }));
const BOBS = together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob"));
/** The same, his master key signed by our user-signing key. */
const BOBS_VERIFIED = together(BOBS, identityOf(BOB, "bob", { ours: OURS }));
const BOBS_NEW = together(listOf(BOB, signed(BOB, "B1", { by: "newS" })), identityOf(BOB, "new"));
const BOBS_NEW_VERIFIED = together(BOBS_NEW, identityOf(BOB, "new", { ours: OURS }));

const VERIFIED = "bob B1:sx unchanged+verified current";
const UNVERIFIED = "bob B1:sx unchanged current";
const verified = { x: [VERIFIED] };
const unverified = { x: [UNVERIFIED] };
const bothVerified = { x: ["alice unchanged current", VERIFIED] };
const noneVerified = { x: ["alice unchanged current", UNVERIFIED] };
const acknowledge = ({ tracker }: Trusting, userId: string, name: string) =>
  tracker.acknowledgeIdentity(userId, keyOf(name));
const confirm = ({ tracker }: Trusting, name: string) => tracker.confirmOwnIdentity(keyOf(name));

describe("identity.verified", () => {
  it(
    "means that our confirmed identity has signed this master key",
    marbles((m) => {
      const { publish, get } = trusting(m, KNOWN);
      const stranger = { userId: ALICE, name: "strangerU" };
      const carols = together(listOf(CAROL, signed(CAROL, "C1")), identityOf(CAROL, "carol", { ours: stranger }));
      publish("a", { a: together(own("alice"), BOBS_VERIFIED, carols) });
      m.expectObservable(get(ALICE, BOB, CAROL)).toBe("(x|)", {
        x: [...bothVerified.x, "carol C1:s unchanged current"],
      });
    }),
  );

  it(
    "is made true by nothing that the server alone gives, also if we acknowledge it",
    marbles((m) => {
      const under = trusting(m);
      under.publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", noneVerified);
      m.expectObservable(acknowledge(under, ALICE, "aliceM"), "-^").toBe("-|");
      m.expectObservable(under.get(ALICE, BOB), "--^").toBe("--(x|)", noneVerified);
      m.expectObservable(under.fetch(ALICE, BOB), "---^").toBe("---(x|)", noneVerified);
    }),
  );

  it(
    "is false if the application knows another identity of ours than the server gives",
    marbles((m) => {
      const { publish, get } = trusting(m, { ownMasterKey: keyOf("trueM") });
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(get(ALICE, BOB)).toBe("(x|)", { x: ["alice changed current", UNVERIFIED] });
    }),
  );

  it.each([
    ["our signature is invalid", BY_US, UNVERIFIED],
    ["our master key has not signed our user-signing key", BY_MASTER, "bob B1:s unchanged current"],
  ])("is false if %s", (_, forged, bob) => {
    marbles((m) => {
      const { publish, get, verifier } = trusting(m, KNOWN);
      verifier.forged.add(forged);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(get(ALICE, BOB)).toBe("(x|)", { x: ["alice unchanged current", bob] });
    })();
  });

  it(
    "is true for a changed master key that we have signed: it is pinned instead",
    marbles((m) => {
      const { publish, fetch } = trusting(m, KNOWN);
      publish("abc", { a: together(own("alice"), BOBS), b: BOBS_NEW_VERIFIED, c: BOBS_VERIFIED });
      m.expectObservable(fetch(ALICE, BOB), "^---").toBe("(x|)", noneVerified);
      m.expectObservable(fetch(BOB), "       -^--").toBe("-(x|)", verified);
      // The former one does not come back, although we have signed it, too.
      m.expectObservable(fetch(BOB), "       --^-").toBe("--(x|)", { x: ["bob B1:sx changed current"] });
    }),
  );

  it(
    "is false for a changed master key that we have not signed, acknowledged or not",
    marbles((m) => {
      const under = trusting(m, KNOWN);
      under.publish("ab", { a: together(own("alice"), BOBS_VERIFIED), b: BOBS_NEW });
      m.expectObservable(under.fetch(ALICE, BOB), "^---").toBe("(x|)", bothVerified);
      m.expectObservable(under.fetch(BOB), "       -^--").toBe("-(x|)", { x: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge(under, BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(under.get(BOB), "         ---^").toBe("---(x|)", unverified);
    }),
  );

  it(
    "is false for a changed master key that a former key of ours has signed",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { ownMasterKey: keyOf("otherM") });
      publish("ab", { a: together(own("other"), BOBS), b: BOBS_NEW_VERIFIED });
      m.expectObservable(fetch(ALICE, BOB), "^-").toBe("(x|)", noneVerified);
      m.expectObservable(fetch(BOB), "-^").toBe("-(x|)", { x: ["bob B1:sx changed current"] });
    }),
  );

  it(
    "becomes true for lists fetched before our own, watched ones included",
    marbles((m) => {
      const { publish, get, known, watch } = trusting(m, KNOWN);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(watch(BOB), "^----!").toBe("a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(get(ALICE), "--^-").toBe("--(x|)", { x: ["alice unchanged current"] });
      m.expectObservable(get(BOB), "  ---^").toBe("---(x|)", verified);
      m.expectObservable(known(BOB), "---^").toBe("---(x|)", verified);
    }),
  );

  it(
    "becomes true when our identity is confirmed, and at once for watched lists",
    marbles((m) => {
      const under = trusting(m);
      under.publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", noneVerified);
      m.expectObservable(under.watch(BOB), "-^--!").toBe("-ab", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(confirm(under, "aliceM"), "--^").toBe("--|");
      m.expectObservable(under.get(ALICE, BOB), "---^").toBe("---(x|)", bothVerified);
    }),
  );

  it(
    "is false for all users while our own identity is changed",
    marbles((m) => {
      const { publish, fetch, get, watch } = trusting(m, KNOWN);
      publish("a-b-c", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil"), c: own("alice") });
      m.expectObservable(get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(watch(BOB), "     -^----!").toBe("-ab-a", { a: [VERIFIED], b: [UNVERIFIED] });
      m.expectObservable(fetch(ALICE), "   --^--").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(get(BOB), "       ---^-").toBe("---(x|)", unverified);
      m.expectObservable(fetch(ALICE), "   ----^").toBe("----(x|)", { x: ["alice unchanged current"] });
    }),
  );

  it(
    "is false for all users once another identity of ours is acknowledged",
    marbles((m) => {
      const under = trusting(m);
      under.publish("a-b", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil") });
      m.expectObservable(confirm(under, "aliceM"), "^").toBe("|");
      m.expectObservable(under.get(ALICE, BOB), "-^").toBe("-(x|)", bothVerified);
      m.expectObservable(under.fetch(ALICE), "--^").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(acknowledge(under, ALICE, "evilM"), "---^").toBe("---|");
      m.expectObservable(under.get(ALICE, BOB), "----^").toBe("----(x|)", noneVerified);
    }),
  );

  it(
    "is true for users whom our new identity has signed, once it is confirmed",
    marbles((m) => {
      const under = trusting(m);
      under.publish("ab", { a: together(own("old"), BOBS_VERIFIED), b: own("alice") });
      m.expectObservable(confirm(under, "oldM"), "^").toBe("|");
      m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", noneVerified);
      m.expectObservable(under.fetch(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(under.watch(BOB), "--^---!").toBe("--a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(confirm(under, "aliceM"), "----^").toBe("----|");
      m.expectObservable(trustingAgain(m, under).get(BOB), "-----^").toBe("-----(x|)", verified);
    }),
  );

  it(
    "is what it was after a restart, before our own list is read",
    marbles((m) => {
      const first = trusting(m, KNOWN);
      first.publish("a-b", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil") });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(trustingAgain(m, first, { connected: false }).get(BOB), "-^").toBe("-(x|)", verified);
      m.expectObservable(first.fetch(ALICE), "--^").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(trustingAgain(m, first, { connected: false }).get(BOB), "---^").toBe("---(x|)", unverified);
    }),
  );

  it(
    "follows a confirmation after a restart, before our own list is read",
    marbles((m) => {
      const first = trusting(m);
      first.publish("ab", { a: together(own("old"), BOBS_VERIFIED), b: own("alice") });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", noneVerified);
      m.expectObservable(first.fetch(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      const next = trustingAgain(m, first, { connected: false });
      m.expectObservable(next.watch(BOB), "--^---!").toBe("--a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(confirm(next, "aliceM"), "----^").toBe("----|");
    }),
  );

  it(
    "follows the option after a restart, before any answer",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", noneVerified);
      const next = trustingAgain(m, first, { ...KNOWN, connected: false });
      m.expectObservable(next.get(BOB), "-^").toBe("-(x|)", verified);
      next.expectQueries();
    }),
  );

  it(
    "follows our own identity in other tabs",
    marbles((m) => {
      const first = trusting(m, KNOWN);
      const second = trustingAgain(m, first);
      first.publish("a-b", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil") });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(second.watch(BOB), "-^--!").toBe("-ab", { a: [VERIFIED], b: [UNVERIFIED] });
      m.expectObservable(first.fetch(ALICE), "--^").toBe("--(x|)", { x: ["alice changed current"] });
    }),
  );

  it(
    "is kept in memory while the store fails",
    marbles((m) => {
      const { publish, get, store } = trusting(m, KNOWN);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(get(BOB), "^-").toBe("(x|)", unverified);
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(get(ALICE, BOB), "--^").toBe("--(x|)", bothVerified);
    }),
  );
});
