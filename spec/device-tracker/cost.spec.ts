import { of, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, crowd } from "../support/users.js";
import { step } from "../support/wire.js";

const users = crowd(200);

/** Everyone of the crowd is tracked, and their lists are cached. */
function cachedCrowd(m: Pick<Marbles, "scheduler">, set: TrackerSetUp = {}) {
  const log: StoreLog = { reads: [], writes: [] };
  const records = memoryStore();
  const under = trackerIn(m, { tracking: users, store: countingStore(log, records), answers: [of({})], ...set });
  under.lookup(users).subscribe();
  log.reads.length = 0;
  log.writes.length = 0;
  return { ...under, log, records };
}

describe("a lookup of cached users", () => {
  it(
    "makes no request and reads nothing while memory has their lists",
    marbles((m) => {
      const { tracker, log, requests } = cachedCrowd(m);
      tracker.getDeviceKeys(users).subscribe();
      expect(log.reads).toEqual([]);
      expect(requests).toHaveLength(1);
    }),
  );

  it(
    "makes no request and one read after a restart",
    marbles((m) => {
      const { records } = cachedCrowd(m);
      const log: StoreLog = { reads: [], writes: [] };
      const { tracker, requests } = trackerIn(m, { store: countingStore(log, records) });
      tracker.getDeviceKeys([]).subscribe();
      log.reads.length = 0;
      tracker.getDeviceKeys(users).subscribe();
      expect(log.reads).toEqual([["account/owner", "account/own", ...users.map((user) => `list/${user}`)]]);
      expect(requests).toEqual([]);
    }),
  );

  it(
    "reads nothing any more once memory has them again",
    marbles((m) => {
      const { records } = cachedCrowd(m);
      const log: StoreLog = { reads: [], writes: [] };
      const { tracker } = trackerIn(m, { store: countingStore(log, records) });
      tracker.getDeviceKeys(users).subscribe();
      log.reads.length = 0;
      tracker.getDeviceKeys(users).subscribe();
      expect(log.reads).toEqual([]);
    }),
  );

  it(
    "reads only the lists that memory does not hold",
    marbles((m) => {
      const { tracker, log } = cachedCrowd(m, { maxListsInMemory: 190 });
      tracker.getDeviceKeys(users).subscribe();
      expect(log.reads).toEqual([
        ["account/owner", "account/own", ...users.slice(0, 10).map((user) => `list/${user}`)],
      ]);
    }),
  );

  it(
    "reads at most once although others of the call must be asked for",
    marbles((m) => {
      const { records } = cachedCrowd(m);
      const log: StoreLog = { reads: [], writes: [] };
      const { tracker } = trackerIn(m, {
        store: countingStore(log, records),
        answers: [of({})],
        tracking: [BOB, CAROL],
      });
      log.reads.length = 0;
      tracker.getDeviceKeys([...users, BOB, CAROL]).subscribe();
      expect(log.reads.filter((keys) => keys.includes(`list/${users[0]}`))).toHaveLength(1);
    }),
  );

  it(
    "reads no list to start",
    marbles((m) => {
      const { records } = cachedCrowd(m);
      const log: StoreLog = { reads: [], writes: [] };
      trackerIn(m, { store: countingStore(log, records) })
        .tracker.getDeviceKeys([])
        .subscribe();
      expect(log.reads.flat().filter((key) => key.startsWith("list"))).toEqual([]);
    }),
  );
});

describe("a step", () => {
  const steps$ = new Subject<SyncResponse>();
  const touched = ({ reads, writes }: StoreLog) => [...new Set([...reads.flat(), ...writes.flat()])].sort();

  it(
    "reads and writes only the records of its own users, however many are tracked",
    marbles((m) => {
      const { log } = cachedCrowd(m, { sync$: steps$ });
      const [first = "", second = ""] = users;
      steps$.next(step("s1", { changed: [first, BOB], left: [second] }));
      const records = [
        "account/epoch",
        "account/owner",
        "account/sync",
        `list/${second}`,
        `state/${BOB}`,
        `state/${first}`,
        `state/${second}`,
      ];
      expect(touched(log)).toEqual(records.sort());
      expect(log.writes).toHaveLength(1);
    }),
  );

  it(
    "that announces nobody touches no user's record",
    marbles((m) => {
      const { log } = cachedCrowd(m, { sync$: steps$ });
      steps$.next(step("s1"));
      expect(touched(log)).toEqual(["account/epoch", "account/owner", "account/sync"]);
    }),
  );

  it(
    "that makes everyone outdated is one record, not one for each user",
    marbles((m) => {
      const { log } = cachedCrowd(m, { sync$: steps$ });
      steps$.next({ next_batch: "s9", device_lists: "?" as never });
      expect(log.writes.flat().sort()).toEqual(["account/epoch", "account/sync"]);
    }),
  );

  it(
    "copies one set for all who subscribe to trackedUsers$",
    marbles((m) => {
      const { tracker } = cachedCrowd(m, { sync$: steps$ });
      const sets = new Set<ReadonlySet<string>>();
      for (let i = 0; i < 3; i++) tracker.trackedUsers$.subscribe((set) => sets.add(set));
      expect(sets.size).toBe(1);
    }),
  );
});
