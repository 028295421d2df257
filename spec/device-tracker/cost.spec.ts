import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { signed } from "../support/signed.js";
import { BOB, CAROL, crowd } from "../support/users.js";

const users = crowd(250);
const lists = users.map((userId) => `list/${userId}`);

/** A tracker of a crowd that has a device each. `cost` tells how many records an action reads and writes, in how many operations. */
function counted(m: Marbles, options: SetUp = {}) {
  const log: StoreLog = { reads: [], writes: [] };
  const sync$ = new Subject<SyncResponse>();
  const store = new ScriptedStore({ scheduler: m.scheduler, records: countingStore(log, memoryStore()) });
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  const under = setUp(m, { tracked: users, sync$, store, verifier, ...options });
  for (const userId of users) under.homeserver.addDevice(userId, "D1", signed(userId, "D1"));
  const forget = () => {
    log.reads.length = 0;
    log.writes.length = 0;
  };
  const cost = (action: () => void) => {
    forget();
    action();
    const count = (operations: readonly (readonly string[])[]) => operations.map((keys) => keys.length);
    return { reads: count(log.reads), writes: count(log.writes) };
  };
  return { ...under, sync$, log, forget, cost };
}

/** The same, all lists fetched. */
function fetched(m: Marbles, options: SetUp = {}) {
  const under = counted(m, options);
  under.lookup(users).subscribe();
  under.forget();
  return under;
}

/** The tracker of the next page, on what the first one saved. */
function nextPage(m: Marbles) {
  const first = fetched(m);
  const next = otherTab(m, first, { connected: false });
  return { ...next, cost: first.cost, log: first.log };
}

describe("a lookup of cached users", () => {
  it(
    "reads nothing while their lists are in memory",
    marbles((m) => {
      const { lookup, cost, homeserver } = fetched(m);
      expect(cost(() => lookup(users).subscribe())).toEqual({ reads: [], writes: [] });
      expect(homeserver.queries).toHaveLength(1);
    }),
  );

  it(
    "reads them all at once after a restart, and then nothing",
    marbles((m) => {
      const { lookup, cost, log, expectQueries } = nextPage(m);
      lookup([]).subscribe();
      expect(cost(() => lookup(users).subscribe())).toEqual({ reads: [252], writes: [] });
      expect(log.reads).toEqual([["account/owner", "account/own", ...lists]]);
      expect(cost(() => lookup(users).subscribe())).toEqual({ reads: [], writes: [] });
      expectQueries();
    }),
  );

  it(
    "reads only the lists that memory does not hold",
    marbles((m) => {
      const { lookup, log } = fetched(m, { maxListsInMemory: 240 });
      lookup(users).subscribe();
      expect(log.reads).toEqual([["account/owner", "account/own", ...lists.slice(0, 10)]]);
    }),
  );

  it(
    "reads once although others of the call are queried",
    marbles((m) => {
      const { tracker, lookup, cost } = nextPage(m);
      tracker.track([BOB, CAROL]).subscribe();
      const { reads } = cost(() => lookup([...users, BOB, CAROL]).subscribe());
      expect(reads.filter((count) => count >= 250)).toEqual([252]);
    }),
  );
});

describe("loading the saved state", () => {
  it(
    "reads the owner, and then the log: no list and no index",
    marbles((m) => {
      const { lookup, log } = nextPage(m);
      lookup([]).subscribe();
      expect(log.reads).toEqual([["account/owner"], ["account/*", "snapshot/*", "log/*", "extension/*"]]);
    }),
  );
});

describe("a lookup of users to be fetched", () => {
  it(
    "writes a list for each, and three records for all of them",
    marbles((m) => {
      const { lookup, cost, log } = counted(m);
      expect(cost(() => lookup(users).subscribe())).toEqual({ reads: [253], writes: [253] });
      expect(log.writes).toEqual([[...lists, "log/3", "account/sync", "index/3"]]);
    }),
  );
});

describe("a step", () => {
  const step = (changed: string[], left: string[] = []): SyncResponse => ({
    since: "s0",
    next_batch: "s1",
    device_lists: { changed, left },
  });
  const one = { reads: [2], writes: [2] };

  it(
    "reads two records and writes two, however many users it names",
    marbles((m) => {
      for (const count of [0, 1, 10, 250]) {
        const { sync$, cost } = fetched(m);
        const [changed, left] = [users.slice(0, count / 2), users.slice(count / 2, count)];
        expect(cost(() => sync$.next(step(changed, left)))).toEqual(one);
      }
    }),
  );

  it(
    "reads the owner and the head, and appends to the log",
    marbles((m) => {
      const { sync$, log } = fetched(m);
      sync$.next(step(users.slice(0, 10)));
      expect(log).toEqual({ reads: [["account/owner", "account/sync"]], writes: [["log/4", "account/sync"]] });
    }),
  );

  it(
    "that may hide changes of any user costs the same",
    marbles((m) => {
      const { sync$, cost } = fetched(m);
      expect(cost(() => sync$.next({ next_batch: "s1", device_lists: "?" as never }))).toEqual(one);
    }),
  );

  it(
    "costs other tabs nothing",
    marbles((m) => {
      const { sync$, cost, ...first } = fetched(m);
      const second = otherTab(m, first);
      second.lookup([]).subscribe();
      const before = { ...second.store.begun };
      expect(cost(() => sync$.next(step(users.slice(0, 10))))).toEqual(one);
      expect(second.store.begun).toEqual(before);
    }),
  );

  it(
    "that changes nothing costs nothing",
    marbles((m) => {
      const { sync$, cost } = fetched(m);
      expect(cost(() => sync$.next({ since: "s0", next_batch: "s0" }))).toEqual({ reads: [], writes: [] });
    }),
  );
});

describe("track()", () => {
  it(
    "of 1,000 users reads two records and writes two",
    marbles((m) => {
      const { tracker, cost } = counted(m, { tracked: [] });
      expect(cost(() => tracker.track(crowd(1_000)).subscribe())).toEqual({ reads: [2], writes: [2] });
    }),
  );
});
