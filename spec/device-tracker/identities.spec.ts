import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { IdentityChangedError } from "../../src/model/errors.js";
import { pinsKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { shields } from "../support/shields.js";
import { BY_MASTER, BY_US, identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed, left } from "../support/wire.js";

const OURS = { userId: ALICE, name: "aliceU" };
const own = (name: string) => identityOf(ALICE, name, { own: true });
const BOBS = together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob"));
const BOBS_VERIFIED = together(BOBS, identityOf(BOB, "bob", { ours: OURS }));
/** Bob's device signed by another identity than the one he had. */
const BOBS_NEW = together(listOf(BOB, signed(BOB, "B1", { by: "newS" })), identityOf(BOB, "new"));

function identifying(m: Marbles, setUp: TrackerSetUp = {}) {
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  const under = trackerIn(m, { tracking: [BOB, CAROL], verifier, ...setUp });
  const get$ = (...users: readonly string[]) => under.tracker.getDeviceKeys(users).pipe(map(shields));
  const fetch$ = (...users: readonly string[]) =>
    under.tracker.getDeviceKeys(users, { forceDownload: true }).pipe(map(shields));
  const known$ = (...users: readonly string[]) => under.tracker.getKnownDeviceKeys(users).pipe(map(shields));
  const watch$ = (...users: readonly string[]) => under.tracker.watchDeviceKeys(users).pipe(map(shields));
  return {
    ...under,
    verifier,
    get$,
    fetch$,
    known$,
    watch$,
    acknowledge$: (userId: string, name: string) => under.tracker.acknowledgeIdentity(userId, keyOf(name)),
  };
}

describe("a user's first master key", () => {
  it(
    "stays theirs: another one marks them, in lookups, in what is saved and after a restart",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$, get$, known$ } = identifying(m, { store, answers: [of(BOBS), of(BOBS_NEW)] });
      m.expectObservable(fetch$(BOB), " ^    ").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), " -^   ").toBe("-(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(get$(BOB), "   --^  ").toBe("--(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(known$(BOB), " --^  ").toBe("--(b|)", { b: ["bob B1:sx changed current"] });
      const restarted = identifying(m, { store, tracking: [] });
      m.expectObservable(restarted.get$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx changed current"] });
    }),
  );

  it(
    "stays theirs when it is gone, and when they are: one that comes then is another one",
    marbles((m) => {
      const { fetch$ } = identifying(m, {
        sync$: m.hot("--x", { x: left(BOB) }),
        answers: [of(BOBS), of(listOf(BOB, signed(BOB, "B1", { by: "bobS" }))), of(BOBS_NEW), of(BOBS)],
      });
      m.expectObservable(fetch$(BOB), " ^    ").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), " -^   ").toBe("-(b|)", { b: ["bob B1:s removed current"] });
      m.expectObservable(fetch$(BOB), " ---^ ").toBe("---(b|)", { b: ["bob B1:sx changed untracked"] });
      m.expectObservable(fetch$(BOB), " ----^").toBe("----(b|)", { b: ["bob B1:sx unchanged untracked"] });
    }),
  );

  it(
    "is pinned by an answer that was superseded and never cached",
    marbles((m) => {
      const { fetch$ } = identifying(m, {
        sync$: m.hot("-x", { x: changed(BOB) }),
        answers: [m.cold("--(b|)", { b: BOBS }), of(BOBS_NEW)],
      });
      m.expectObservable(fetch$(BOB), "^ ").toBe("--(b|)", { b: ["bob B1:sx unchanged superseded"] });
      m.expectObservable(fetch$(BOB), "---^ ").toBe("---(b|)", { b: ["bob B1:sx changed current"] });
    }),
  );
});

describe("acknowledgeIdentity", () => {
  it(
    "makes the new master key theirs: in lookups, in what is saved, after a restart, and for the answers that follow",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$, get$, known$, acknowledge$, asked$ } = identifying(m, {
        store,
        answers: [of(BOBS), of(BOBS_NEW), of(BOBS_NEW), of(BOBS)],
      });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(get$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(known$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx unchanged current"] });
      const restarted = identifying(m, { store, tracking: [] });
      m.expectObservable(restarted.get$(BOB), "----^").toBe("----(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-----^").toBe("-----(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "------^").toBe("------(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(asked$).toBe("bb---bb", { b: "bob" });
    }),
  );

  it(
    "has watchers emit again",
    marbles((m) => {
      const { fetch$, watch$, acknowledge$ } = identifying(m, { answers: [of(BOBS), of(BOBS_NEW)] });
      m.expectObservable(watch$(BOB), "^-----!").toBe("a-b-c", {
        a: ["bob B1:sx unchanged current"],
        b: ["bob B1:sx changed current"],
        c: ["bob B1:sx unchanged current"],
      });
      m.expectObservable(fetch$(BOB), "--^").toBe("--(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "----^").toBe("----|");
    }),
  );

  it(
    "is cold, completes when it is durable, and shows nothing before that",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { fetch$, get$, acknowledge$ } = identifying(m, { store, answers: [of(BOBS), of(BOBS_NEW)] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:sx changed current"] });
      const acknowledged$ = acknowledge$(BOB, "newM");
      m.acts("--t", { t: () => (store.takes = 4) });
      m.expectObservable(acknowledged$, "----^").toBe("--------|");
      m.expectObservable(get$(BOB), "-------^").toBe("-------(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(get$(BOB), "---------^").toBe("---------(b|)", { b: ["bob B1:sx unchanged current"] });
      m.acts("-------c", {
        c: () => {
          expect(saved(store.records, pinsKey(BOB))).toMatchObject({ masterKey: keyOf("bobM") });
        },
      });
    }),
  );

  it(
    "fails for a master key that they do not have by now, and changes nothing",
    marbles((m) => {
      const { fetch$, get$, acknowledge$ } = identifying(m, { answers: [of(BOBS), of(BOBS_NEW)] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "otherM"), "--^").toBe(
        "--#",
        undefined,
        new IdentityChangedError(BOB, keyOf("otherM"), keyOf("newM")),
      );
      m.expectObservable(acknowledge$(BOB, "bobM"), "--^").toBe(
        "--#",
        undefined,
        new IdentityChangedError(BOB, keyOf("bobM"), keyOf("newM")),
      );
      m.expectObservable(get$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx changed current"] });
    }),
  );

  it(
    "fails where the master key is gone by now",
    marbles((m) => {
      const { fetch$, acknowledge$ } = identifying(m, { answers: [of(BOBS), of(listOf(BOB))] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob removed current"] });
      m.expectObservable(acknowledge$(BOB, "bobM"), "--^").toBe(
        "--#",
        undefined,
        new IdentityChangedError(BOB, keyOf("bobM"), undefined),
      );
    }),
  );

  it(
    "takes no string for a key that is none",
    marbles((m) => {
      const { tracker, asked$ } = identifying(m);
      for (const key of ["", "newM", `${keyOf("newM")}=`, `ed25519:${keyOf("newM")}`, "A".repeat(43)])
        expect(() => tracker.acknowledgeIdentity(BOB, key)).toThrow(TypeError);
      m.expectObservable(asked$).toBe("");
    }),
  );

  it(
    "fails as the store does, and changes nothing",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { fetch$, get$, acknowledge$ } = identifying(m, { store, answers: [of(BOBS), of(BOBS_NEW)] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:sx changed current"] });
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(acknowledge$(BOB, "newM"), "---^").toBe("---#", undefined, "the disk is full");
      m.expectObservable(get$(BOB), "----^").toBe("----(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "-----^").toBe("-----|");
      m.expectObservable(get$(BOB), "------^").toBe("------(b|)", { b: ["bob B1:sx unchanged current"] });
    }),
  );

  it(
    "is of what lookups show, also where that could not be saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { fetch$, get$, acknowledge$ } = identifying(m, { store, answers: [of(BOBS), of(BOBS_NEW), of(BOBS_NEW)] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(fetch$(BOB), "--^").toBe("--(b|)", { b: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "---^").toBe("---|");
      m.expectObservable(get$(BOB), "----^").toBe("----(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-----^").toBe("-----(b|)", { b: ["bob B1:sx unchanged current"] });
    }),
  );

  it(
    "reaches a user who is not tracked with their next answer",
    marbles((m) => {
      const { get$, acknowledge$ } = identifying(m, { tracking: [], answers: [of(BOBS), of(BOBS_NEW), of(BOBS_NEW)] });
      m.expectObservable(get$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged untracked"] });
      m.expectObservable(get$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:sx changed untracked"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(get$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx unchanged untracked"] });
    }),
  );

  it(
    "leaves devices' pins as they are",
    marbles((m) => {
      const evil = together(listOf(BOB, signed(BOB, "B1", { key: "evil", by: "newS" })), identityOf(BOB, "new"));
      const { fetch$, acknowledge$ } = identifying(m, { answers: [of(BOBS), of(evil), of(evil)] });
      m.expectObservable(fetch$(BOB), "^").toBe("(b|)", { b: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(b|)", { b: ["bob B1:s !B1:key-changed changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(fetch$(BOB), "---^").toBe("---(b|)", { b: ["bob B1:s !B1:key-changed unchanged current"] });
    }),
  );
});

describe("identity.verified", () => {
  it(
    "says that our user-signing key has signed this very master key",
    marbles((m) => {
      const carols = together(
        listOf(CAROL, signed(CAROL, "C1")),
        identityOf(CAROL, "carol", { ours: { userId: ALICE, name: "strangerU" } }),
      );
      const { get$ } = identifying(m, {
        answers: [of(together(own("alice"), BOBS_VERIFIED)), of(carols)],
        maxUsersPerQuery: 2,
      });
      m.expectObservable(get$(ALICE, BOB, CAROL)).toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current", "carol C1:s unchanged current"],
      });
    }),
  );

  it(
    "does not take over a signature that does not hold, or one by a user-signing key of ours that our master key has not signed",
    marbles((m) => {
      const first = identifying(m, { answers: [of(together(own("alice"), BOBS_VERIFIED))] });
      first.verifier.forged.add(BY_US);
      m.expectObservable(first.get$(ALICE, BOB)).toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged current"],
      });
      const second = identifying(m, { answers: [of(together(own("alice"), BOBS_VERIFIED))] });
      second.verifier.forged.add(BY_MASTER);
      m.expectObservable(second.get$(ALICE, BOB)).toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:s unchanged current"],
      });
    }),
  );

  it(
    "does not hold for a master key that is not the pinned one, though we have signed it, until it is acknowledged",
    marbles((m) => {
      const signedAnew = together(BOBS_NEW, identityOf(BOB, "new", { ours: OURS }));
      const { fetch$, get$, acknowledge$ } = identifying(m, {
        answers: [of(together(own("alice"), BOBS_VERIFIED)), of(signedAnew)],
      });
      m.expectObservable(fetch$(ALICE, BOB), "^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(fetch$(BOB), "-^").toBe("-(x|)", { x: ["bob B1:sx changed current"] });
      m.expectObservable(acknowledge$(BOB, "newM"), "--^").toBe("--|");
      m.expectObservable(get$(BOB), "---^").toBe("---(x|)", { x: ["bob B1:sx unchanged+verified current"] });
    }),
  );

  it(
    "comes with our own list, for lists that were there before it, and watchers are told",
    marbles((m) => {
      const { get$, known$, watch$ } = identifying(m, { answers: [of(BOBS_VERIFIED), of(own("alice"))] });
      m.expectObservable(watch$(BOB), "^----!").toBe("a-b", {
        a: ["bob B1:sx unchanged current"],
        b: ["bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(get$(ALICE), "--^").toBe("--(x|)", { x: ["alice unchanged current"] });
      m.expectObservable(get$(BOB), "---^").toBe("---(x|)", { x: ["bob B1:sx unchanged+verified current"] });
      m.expectObservable(known$(BOB), "---^").toBe("---(x|)", { x: ["bob B1:sx unchanged+verified current"] });
    }),
  );

  it(
    "is off for everyone while our own identity is not the pinned one, until that is acknowledged; and ours is another key then",
    marbles((m) => {
      const { fetch$, get$, watch$, acknowledge$ } = identifying(m, {
        answers: [of(together(own("alice"), BOBS_VERIFIED)), of(own("evil")), of(own("alice")), of(own("evil"))],
      });
      m.expectObservable(get$(ALICE, BOB), "^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(watch$(BOB), "-^------!").toBe("-a-b-a-b", {
        a: ["bob B1:sx unchanged+verified current"],
        b: ["bob B1:sx unchanged current"],
      });
      m.expectObservable(fetch$(ALICE), "---^").toBe("---(x|)", { x: ["alice changed current"] });
      m.expectObservable(get$(BOB), "----^").toBe("----(x|)", { x: ["bob B1:sx unchanged current"] });
      m.expectObservable(fetch$(ALICE), "-----^").toBe("-----(x|)", { x: ["alice unchanged current"] });
      m.expectObservable(get$(BOB), "------^").toBe("------(x|)", { x: ["bob B1:sx unchanged+verified current"] });
      m.expectObservable(fetch$(ALICE), "-------^").toBe("-------(x|)", { x: ["alice changed current"] });
      m.expectObservable(acknowledge$(ALICE, "evilM"), "---------^").toBe("---------|");
      m.expectObservable(get$(ALICE, BOB), "----------^").toBe("----------(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged current"],
      });
    }),
  );

  it(
    "is on again, once our own new identity is acknowledged, for whom it has signed, and after a restart",
    marbles((m) => {
      const answers = [of(together(own("old"), BOBS)), of(own("alice")), of(BOBS_VERIFIED)];
      const store = memoryStore();
      const { fetch$, get$, watch$, acknowledge$ } = identifying(m, { store, answers });
      m.expectObservable(get$(ALICE, BOB), "^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged current"],
      });
      m.expectObservable(fetch$(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(fetch$(BOB), "--^").toBe("--(x|)", { x: ["bob B1:sx unchanged current"] });
      m.expectObservable(watch$(BOB), "---^---!").toBe("---a-b", {
        a: ["bob B1:sx unchanged current"],
        b: ["bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(acknowledge$(ALICE, "aliceM"), "-----^").toBe("-----|");
      m.expectObservable(identifying(m, { store, tracking: [] }).get$(BOB), "------^").toBe("------(x|)", {
        x: ["bob B1:sx unchanged+verified current"],
      });
    }),
  );

  it(
    "is what it was after a restart, before our own list is read",
    marbles((m) => {
      const store = memoryStore();
      const first = identifying(m, { store, answers: [of(together(own("alice"), BOBS_VERIFIED)), of(own("evil"))] });
      m.expectObservable(first.get$(ALICE, BOB), "^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(identifying(m, { store, tracking: [] }).get$(BOB), "-^").toBe("-(x|)", {
        x: ["bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(first.fetch$(ALICE), "--^").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(identifying(m, { store, tracking: [] }).get$(BOB), "---^").toBe("---(x|)", {
        x: ["bob B1:sx unchanged current"],
      });
    }),
  );

  it(
    "follows the acknowledgement of our own identity after a restart, before our own list is read",
    marbles((m) => {
      const store = memoryStore();
      const first = identifying(m, { store, answers: [of(together(own("old"), BOBS_VERIFIED)), of(own("alice"))] });
      m.expectObservable(first.get$(ALICE, BOB), "^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged current"],
      });
      m.expectObservable(first.fetch$(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      const restarted = identifying(m, { store, tracking: [] });
      m.expectObservable(restarted.get$(BOB), "--^").toBe("--(x|)", { x: ["bob B1:sx unchanged current"] });
      m.expectObservable(restarted.acknowledge$(ALICE, "aliceM"), "---^").toBe("---|");
      m.expectObservable(restarted.get$(BOB), "----^").toBe("----(x|)", {
        x: ["bob B1:sx unchanged+verified current"],
      });
    }),
  );

  it(
    "is held in memory while the store fails",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { get$ } = identifying(m, { store, answers: [of(BOBS_VERIFIED), of(own("alice"))] });
      m.expectObservable(get$(BOB), "^").toBe("(x|)", { x: ["bob B1:sx unchanged current"] });
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(get$(ALICE, BOB), "--^").toBe("--(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
    }),
  );
});
