import { map, merge, of } from "rxjs";
import { describe, it } from "vitest";
import { listKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { shields, updateLine } from "../support/shields.js";
import { identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { ALICE, BOB } from "../support/users.js";
import { changed } from "../support/wire.js";

/** The application knows our own master key. */
const ownMasterKey = keyOf("aliceM");
const own = (name: string) => identityOf(ALICE, name, { own: true });
/** Bob, verified by our user-signing key `aliceU`. */
const VERIFIED = together(
  listOf(BOB, signed(BOB, "B1", { by: "bobS" })),
  identityOf(BOB, "bob", { ours: { userId: ALICE, name: "aliceU" } }),
);
const HONEST = listOf(BOB, signed(BOB, "B1"));
/** The same device with another key, and signed by that. */
const SWAPPED = listOf(BOB, signed(BOB, "B1", { key: "evil" }));
const NOBODY = listOf(BOB);
const REFUSED = "bob B1:s !B1:key-changed none";

function trusting(m: Marbles, setUp: TrackerSetUp = {}) {
  const under = trackerIn(m, { tracking: [BOB], verifier: new ScriptedVerifier({ scheduler: m.scheduler }), ...setUp });
  const get$ = (...users: readonly string[]) => under.tracker.getDeviceKeys(users).pipe(map(shields));
  const fetch$ = (...users: readonly string[]) =>
    under.tracker.getDeviceKeys(users, { forceDownload: true }).pipe(map(shields));
  return {
    ...under,
    get$,
    fetch$,
    acknowledge$: (userId: string, name: string) => under.tracker.acknowledgeIdentity(userId, keyOf(name)),
  };
}

describe("our user-signing key", () => {
  it(
    "does not count if another tab has acknowledged a new identity of ours",
    marbles((m) => {
      const store = memoryStore();
      const one = trusting(m, { store, ownMasterKey, answers: [of(together(own("alice"), VERIFIED)), of(VERIFIED)] });
      const other = trusting(m, { store, tracking: [], answers: [of(own("new"))] });
      m.expectObservable(one.get$(ALICE, BOB), " ^    ").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.expectObservable(other.fetch$(ALICE), "  -^   ").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(other.acknowledge$(ALICE, "newM"), "--^ ").toBe("--|");
      m.expectObservable(one.fetch$(BOB), "      ---^ ").toBe("---(x|)", { x: ["bob B1:sx unchanged current"] });
    }),
  );

  it(
    "does not count again by an older answer that is decided after a newer one",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = merge(of({ next_batch: "s0", since: null }), m.hot("-----x", { x: changed(ALICE) }));
      const { get$, fetch$ } = trusting(m, {
        store,
        sync$,
        ownMasterKey,
        answers: [of(together(own("alice"), VERIFIED)), of(own("alice")), of(own("new"))],
      });
      m.expectObservable(get$(ALICE, BOB), " ^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.acts("                               --f", {
        f: () => {
          store.failNext("busy", "update");
          store.hangNext("read");
        },
      });
      m.expectObservable(fetch$(ALICE), "    ---^").toBe("--- 1000ms (x|)", { x: ["alice unchanged superseded"] });
      m.expectObservable(fetch$(ALICE), "    ------^").toBe("------(x|)", { x: ["alice changed current"] });
      m.expectObservable(get$(BOB), "        -------^").toBe("-------(x|)", { x: ["bob B1:sx unchanged current"] });
      m.expectObservable(get$(BOB), "        1100ms ^").toBe("1100ms (x|)", { x: ["bob B1:sx unchanged current"] });
    }),
  );

  it(
    "does not count after a reload if an acknowledged identity was not saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { get$, fetch$, acknowledge$ } = trusting(m, {
        store,
        ownMasterKey,
        answers: [of(together(own("alice"), VERIFIED)), of(own("new"))],
      });
      m.expectObservable(get$(ALICE, BOB), " ^").toBe("(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.acts("                               -f", { f: () => store.failNext("busy", "update") });
      m.expectObservable(fetch$(ALICE), "    --^").toBe("--(x|)", { x: ["alice changed current"] });
      m.expectObservable(acknowledge$(ALICE, "newM"), "---^").toBe("---|");
      m.expectObservable(get$(ALICE, BOB), "     ----^").toBe("----(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged current"],
      });
      const restarted = trusting(m, { store, tracking: [] });
      m.expectObservable(restarted.get$(BOB), "  -----^").toBe("-----(x|)", { x: ["bob B1:sx unchanged current"] });
      m.expectObservable(restarted.get$(ALICE), "------^").toBe("------(x|)", { x: ["alice changed current"] });
    }),
  );

  it(
    "does not count again after a gap if our changed identity was not saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("x---y", { x: { next_batch: "s1", since: null }, y: { next_batch: "s3", since: "s2" } });
      const { get$, fetch$ } = trusting(m, {
        store,
        sync$,
        changes: () => of({ changed: [] }),
        ownMasterKey,
        answers: [of(together(own("alice"), VERIFIED)), of(own("new"))],
      });
      m.expectObservable(get$(ALICE, BOB), " -^").toBe("-(x|)", {
        x: ["alice unchanged current", "bob B1:sx unchanged+verified current"],
      });
      m.acts("                               --f", { f: () => store.failNext("busy", "update") });
      m.expectObservable(fetch$(ALICE), "    ---^").toBe("---(x|)", { x: ["alice changed current"] });
      m.expectObservable(get$(ALICE, BOB), " -----^").toBe("-----(x|)", {
        x: ["alice changed current", "bob B1:sx unchanged current"],
      });
    }),
  );
});

describe("a key that is swapped while the store fails", () => {
  it(
    "is not pinned although the store could not be written or read for a moment",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      m.expectObservable(trusting(m, { store, answers: [of(HONEST)] }).get$(BOB), "^").toBe("(x|)", {
        x: ["bob B1:s none current"],
      });
      const { get$, fetch$ } = trusting(m, { store, tracking: [], answers: [of(SWAPPED), of(SWAPPED)] });
      const fails = (...operations: readonly ("read" | "update")[]) => {
        for (const operation of operations) store.failNext("busy", operation);
      };
      m.expectObservable(get$(), "-^").toBe("-(x|)", { x: [] });
      m.acts("--f", { f: () => fails("update", "read", "read") }); // the known list, the save, the pins
      m.expectObservable(fetch$(BOB), "---^").toBe("---(x|)", { x: ["bob B1(evil):s unknown superseded"] });
      m.expectObservable(get$(BOB), "  ----^").toBe("----(x|)", { x: ["bob B1:s none current"] });
      m.acts("-----f", { f: () => fails("update", "read") });
      m.expectObservable(fetch$(BOB), "------^").toBe("------(x|)", { x: [`${REFUSED} current`] });
    }),
  );

  it(
    "is not current if the device may have been pinned before",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const first = trusting(m, { store, answers: [of(HONEST), of(NOBODY)] });
      m.expectObservable(first.get$(BOB), "^").toBe("(x|)", { x: ["bob B1:s none current"] });
      m.expectObservable(first.fetch$(BOB), "-^").toBe("-(x|)", { x: ["bob none current"] });
      const { get$, fetch$ } = trusting(m, { store, tracking: [], answers: [of(SWAPPED)] });
      m.expectObservable(get$(BOB), "  --^").toBe("--(x|)", { x: ["bob none current"] });
      m.acts("---f", {
        f: () => {
          store.failNext("busy", "update");
          store.failNext("busy", "read");
        },
      });
      m.expectObservable(fetch$(BOB), "----^").toBe("----(x|)", { x: ["bob B1(evil):s none superseded"] });
    }),
  );

  it(
    "is not current if the pins are damaged",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      m.expectObservable(trusting(m, { store, answers: [of(HONEST)] }).get$(BOB), "^").toBe("(x|)", {
        x: ["bob B1:s none current"],
      });
      m.acts("-d", {
        d: () => {
          put(store.records, [listKey(BOB), { pins: "?" }]);
        },
      });
      const { get$, fetch$ } = trusting(m, { store, tracking: [], answers: [of(SWAPPED)] });
      m.expectObservable(get$(), "--^").toBe("--(x|)", { x: [] });
      m.acts("---f", { f: () => store.failNext("busy", "update") });
      m.expectObservable(fetch$(BOB), "----^").toBe("----(x|)", { x: ["bob B1(evil):s unknown superseded"] });
    }),
  );
});

describe("the change of our own identity", () => {
  it(
    "is reported again if the old one was back in between",
    marbles((m) => {
      const { get$, fetch$, problems$ } = trusting(m, {
        answers: [of(own("alice")), of(own("new")), of(own("alice")), of(own("new")), of(own("new"))],
      });
      m.expectObservable(get$(ALICE), "  ^").toBe("(x|)", { x: ["alice unchanged current"] });
      m.expectObservable(fetch$(ALICE), "-^").toBe("-(x|)", { x: ["alice changed current"] });
      m.expectObservable(fetch$(ALICE), "--^").toBe("--(x|)", { x: ["alice unchanged current"] });
      for (const wait of ["---", "----"])
        m.expectObservable(fetch$(ALICE), `${wait}^`).toBe(`${wait}(x|)`, { x: ["alice changed current"] });
      m.expectObservable(problems$).toBe("-p-p", { p: "own-identity-changed" });
    }),
  );
});

describe("the change of an identity", () => {
  it(
    "is reported although its save was given up, and took effect all the same",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const bobs = (name: string) => identityOf(BOB, name);
      const { get$, fetch$, tracker } = trusting(m, {
        store,
        answers: [of(bobs("bob")), of(bobs("new")), of(bobs("new")), of(bobs("new"))],
      });
      m.expectObservable(get$(BOB), "^").toBe("(x|)", { x: ["bob unchanged current"] });
      m.acts("-h", { h: () => store.hangNext("update", true) });
      m.expectObservable(fetch$(BOB), "--^").toBe("-- 10s (x|)", { x: ["bob changed current"] });
      for (const wait of ["11s", "12s"])
        m.expectObservable(fetch$(BOB), `${wait} ^`).toBe(`${wait} (x|)`, { x: ["bob changed current"] });
      m.expectObservable(tracker.deviceUpdates$.pipe(map(updateLine)), "-^").toBe("11s u", {
        u: "bob identity changed",
      });
    }),
  );
});
