import { describe, expect, it } from "vitest";
import { StoreOwnerError } from "../../src/model/errors.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB } from "../support/users.js";
import { changed } from "../support/wire.js";

const refused = new StoreOwnerError(BOB, ALICE);

/** Alice's tracker on a store that is Bob's, whose operations take as long as given. */
function onBobsStore(m: Marbles, takes = 0) {
  const records = memoryStore();
  setUp(m, { userId: BOB, store: new ScriptedStore({ scheduler: m.scheduler, records }) });
  const log: StoreLog = { reads: [], writes: [] };
  const store = new ScriptedStore({ scheduler: m.scheduler, takes, records: countingStore(log, records) });
  return { ...setUp(m, { store, sync$: m.hot("-x", { x: changed(BOB) }), connected: false }), log };
}

describe("a store of another account", () => {
  it(
    "fails every call",
    marbles((m) => {
      const { tracker, lookup, known } = onBobsStore(m);
      const { track, untrack, invalidate } = {
        track: tracker.track([BOB]),
        untrack: tracker.untrack([BOB]),
        invalidate: tracker.invalidate([BOB]),
      };
      for (const call$ of [lookup([BOB]), lookup([]), known([BOB])]) m.expectObservable(call$).toBe("#", {}, refused);
      for (const call$ of [track, untrack, invalidate]) m.expectObservable(call$).toBe("#", undefined, refused);
      m.expectObservable(tracker.findDevice("curve25519", "key")).toBe("#", undefined, refused);
    }),
  );

  it(
    "fails synced$ and applied$ of a connection, which ends",
    marbles((m) => {
      const { tracker, problems$ } = onBobsStore(m);
      m.acts("-c", { c: () => expect(tracker.connect().closed).toBe(true) });
      m.expectObservable(tracker.synced$).toBe("-#", undefined, refused);
      m.expectObservable(tracker.applied$).toBe("-#", undefined, refused);
      m.expectObservable(problems$).toBe("-e", { e: "sync-ended" });
    }),
  );

  it(
    "is not read beyond the owner's record, and not written",
    marbles((m) => {
      const { tracker, lookup, log } = onBobsStore(m);
      lookup([BOB]).subscribe({ error: () => {} });
      tracker.connect();
      m.afterwards(() => {
        expect(log).toEqual({ reads: [["account/owner"], ["account/owner"]], writes: [] });
      });
    }),
  );

  it(
    "makes watchers and trackedUsers$ silent, and is reported",
    marbles((m) => {
      const { tracker, watch, problems$ } = onBobsStore(m);
      m.expectObservable(watch([BOB]), "-^-").toBe("---");
      m.expectObservable(tracker.trackedUsers$).toBe("---");
      m.expectObservable(problems$).toBe("-p", { p: "watch-failed" });
    }),
  );

  it(
    "has no response applied that arrived while it was being read",
    marbles((m) => {
      const { tracker, log } = onBobsStore(m, 3);
      tracker.connect();
      m.expectObservable(tracker.synced$).toBe("---#", undefined, refused);
      m.expectObservable(tracker.deviceChanges$).toBe("----");
      m.afterwards(() => {
        expect(log.writes).toEqual([]);
      });
    }),
  );
});
