import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BY_MASTER, BY_US, identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain, type Trusting } from "../support/trusting.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const OURS = { userId: ALICE, name: "aliceU" };
const own = (name: string) => together(listOf(ALICE), identityOf(ALICE, name, { own: true }));
const BOBS = together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob"));
/** The same, his master key signed by our user-signing key. */
const BOBS_VERIFIED = together(BOBS, identityOf(BOB, "bob", { ours: OURS }));
const BOBS_NEW = together(listOf(BOB, signed(BOB, "B1", { by: "newS" })), identityOf(BOB, "new", { ours: OURS }));

const VERIFIED = "bob B1:sx unchanged+verified current";
const UNVERIFIED = "bob B1:sx unchanged current";
const verified = { x: [VERIFIED] };
const unverified = { x: [UNVERIFIED] };
const bothVerified = { x: ["alice unchanged current", VERIFIED] };
const acknowledge = ({ tracker }: Trusting, userId: string, name: string) =>
  tracker.acknowledgeIdentity(userId, keyOf(name));

describe("identity.verified", () => {
  it(
    "means that our user-signing key has signed this master key",
    marbles((m) => {
      const { publish, get } = trusting(m);
      const stranger = { userId: ALICE, name: "strangerU" };
      const carols = together(listOf(CAROL, signed(CAROL, "C1")), identityOf(CAROL, "carol", { ours: stranger }));
      publish("a", { a: together(own("alice"), BOBS_VERIFIED, carols) });
      m.expectObservable(get(ALICE, BOB, CAROL)).toBe("(x|)", {
        x: [...bothVerified.x, "carol C1:s unchanged current"],
      });
    }),
  );

  it.each([
    ["our signature is invalid", BY_US, UNVERIFIED],
    ["our master key has not signed our user-signing key", BY_MASTER, "bob B1:s unchanged current"],
  ])("is false if %s", (_, forged, bob) => {
    marbles((m) => {
      const { publish, get, verifier } = trusting(m);
      verifier.forged.add(forged);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(get(ALICE, BOB)).toBe("(x|)", { x: ["alice unchanged current", bob] });
    })();
  });

  it(
    "is false for a changed master key that we have signed, until it is acknowledged",
    marbles((m) => {
      const under = trusting(m);
      under.publish("ab", { a: together(own("alice"), BOBS_VERIFIED), b: BOBS_NEW });
      m.expectObservable(under.fetch(ALICE, BOB), "^---").toBe("(x|)", bothVerified);
      m.expectObservable(under.fetch(BOB), "       -^--").toBe("-(x|)", { x: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge(under, BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(under.get(BOB), "         ---^").toBe("---(x|)", verified);
    }),
  );

  it(
    "becomes true for lists fetched before our own, watched ones included",
    marbles((m) => {
      const { publish, get, known, watch } = trusting(m);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(watch(BOB), "^----!").toBe("a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(get(ALICE), "--^-").toBe("--(x|)", { x: ["alice unchanged current"] });
      m.expectObservable(get(BOB), "  ---^").toBe("---(x|)", verified);
      m.expectObservable(known(BOB), "---^").toBe("---(x|)", verified);
    }),
  );

  it(
    "is false for all users while our own identity is changed",
    marbles((m) => {
      const { publish, fetch, get, watch } = trusting(m);
      publish("a-b-c", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil"), c: own("alice") });
      m.expectObservable(get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(watch(BOB), "     -^----!").toBe("-ab-a", { a: [VERIFIED], b: [UNVERIFIED] });
      m.expectObservable(fetch(ALICE), "   --^--").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(get(BOB), "       ---^-").toBe("---(x|)", unverified);
      m.expectObservable(fetch(ALICE), "   ----^").toBe("----(x|)", { x: ["alice unchanged current"] });
    }),
  );

  it(
    "is false for users whom our new, acknowledged identity has not signed",
    marbles((m) => {
      const under = trusting(m);
      under.publish("ab", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil") });
      m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(under.fetch(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(acknowledge(under, ALICE, "evilM"), "--^").toBe("--|");
      m.expectObservable(under.get(ALICE, BOB), "---^").toBe("---(x|)", {
        x: ["alice unchanged current", UNVERIFIED],
      });
    }),
  );

  it(
    "is true for users whom our new identity has signed, once it is acknowledged",
    marbles((m) => {
      const under = trusting(m);
      under.publish("ab", { a: together(own("old"), BOBS_VERIFIED), b: own("alice") });
      m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", { x: ["alice unchanged current", UNVERIFIED] });
      m.expectObservable(under.fetch(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(under.watch(BOB), "--^---!").toBe("--a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(acknowledge(under, ALICE, "aliceM"), "----^").toBe("----|");
      m.expectObservable(trustingAgain(m, under).get(BOB), "-----^").toBe("-----(x|)", verified);
    }),
  );

  it(
    "is what it was after a restart, before our own list is read",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a-b", { a: together(own("alice"), BOBS_VERIFIED), b: own("evil") });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", bothVerified);
      m.expectObservable(trustingAgain(m, first, { connected: false }).get(BOB), "-^").toBe("-(x|)", verified);
      m.expectObservable(first.fetch(ALICE), "--^").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(trustingAgain(m, first, { connected: false }).get(BOB), "---^").toBe("---(x|)", unverified);
    }),
  );

  it(
    "follows an acknowledgement after a restart, before our own list is read",
    marbles((m) => {
      const first = trusting(m);
      first.publish("ab", { a: together(own("old"), BOBS_VERIFIED), b: own("alice") });
      m.expectObservable(first.get(ALICE, BOB), "^").toBe("(x|)", { x: ["alice unchanged current", UNVERIFIED] });
      m.expectObservable(first.fetch(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      const next = trustingAgain(m, first, { connected: false });
      m.expectObservable(next.watch(BOB), "--^---!").toBe("--a-b", { a: [UNVERIFIED], b: [VERIFIED] });
      m.expectObservable(acknowledge(next, ALICE, "aliceM"), "----^").toBe("----|");
    }),
  );

  it(
    "follows our own identity in other tabs",
    marbles((m) => {
      const first = trusting(m);
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
      const { publish, get, store } = trusting(m);
      publish("a", { a: together(own("alice"), BOBS_VERIFIED) });
      m.expectObservable(get(BOB), "^-").toBe("(x|)", unverified);
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(get(ALICE, BOB), "--^").toBe("--(x|)", bothVerified);
    }),
  );
});
