import {
  defer,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  take,
  timer,
  type SchedulerLike,
} from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB } from "../support/users.js";
import { changed } from "../support/wire.js";
import { B1, B2, bobHas, echoingServer, SHOWN, watchingIn } from "./watching-in.js";

/** The time between the queries of an echoing server, in s, without the time of the echo. */
const gapsOf = (queriedAt: readonly number[]) =>
  queriedAt.slice(1).map((at, i) => (at - (queriedAt[i] ?? 0) - 5) / 1_000);

describe("an announced user", () => {
  it(
    "is queried at once, also right after a query of ours",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, { sync$: m.hot("-x", { x: changed(BOB) }), answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a(sb)", SHOWN);
      m.expectObservable(asked$).toBe("qq", { q: "bob" });
    }),
  );

  it(
    "who is announced twice within a second is seen as quickly the second time",
    marbles((m) => {
      // A login: announced first before its keys exist.
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("-----x 499ms y", { x: changed(BOB), y: changed(BOB) }),
        answers: [of(B1), m.cold("--(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a----s-a 497ms s-b", SHOWN);
      m.expectObservable(asked$).toBe("q----q 499ms q", { q: "bob" });
    }),
  );

  it(
    "is queried again at once if they change during their query",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("-x", { x: changed(BOB) }),
        answers: [m.cold("--(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("--sb", SHOWN);
      m.expectObservable(asked$).toBe("qq", { q: "bob" });
    }),
  );
});

describe("a server that announces users because they were queried", () => {
  it(
    "is queried after 1 s, doubling to 5 min, after three answers without a change",
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, () => B1);
      const { watch } = watchingIn(m, server);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 30m !").toBe("-");
      m.afterwards(() => {
        expect(gapsOf(queriedAt).slice(0, 15)).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
      });
    }),
  );

  it(
    "is queried at once again after an answer that differs",
    marbles((m) => {
      let devices: KeysQueryResponse = B1;
      const { queriedAt, ...server } = echoingServer(m, () => devices);
      const { watch } = watchingIn(m, server);
      m.acts("10s d", { d: () => (devices = B2) });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 20s !").toBe("-");
      m.afterwards(() => {
        expect(gapsOf(queriedAt)).toEqual([0, 0, 0, 1, 2, 4, 8, 0, 0, 0, 1, 2]);
      });
    }),
  );

  it(
    "is not queried more often if several watch the user",
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, () => B1);
      const { watch } = watchingIn(m, server);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "   ^ 60m !").toBe("-");
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "12s ^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queriedAt.length).toBeLessThanOrEqual(50);
      });
    }),
  );

  it.each([0, 12])("is not queried for ever by two tabs, the second %d s later", (later) => {
    marbles((m) => {
      const store = memoryStore();
      const sync$ = new Subject<SyncResponse>();
      let position = 1;
      let queries = 0;
      const query = () =>
        defer(() => {
          queries++;
          const from = `s${position}`;
          timer(5, m.scheduler).subscribe(() => {
            sync$.next({ since: from, next_batch: `s${++position}`, device_lists: { changed: [BOB] } });
          });
          return timer(2, m.scheduler).pipe(map(() => B1));
        });
      const keysApi = { query, changes: () => of({}) };
      const leader = trackerIn(m, { sync$, store, keysApi });
      const other = trackerIn(m, { store, keysApi });
      sync$.next({ since: null, next_batch: "s1", device_lists: { changed: [BOB] } });
      const late$ = timer(later * 1_000, m.scheduler).pipe(mergeMap(() => other.watch([BOB])));
      m.expectObservable(merge(leader.watch([BOB]), late$).pipe(ignoreElements()), "^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queries).toBeLessThanOrEqual(60);
      });
    })();
  });
});

describe("while a watcher waits before it queries an announced user", () => {
  /** Bob is announced at 10, 20, 30, 40 ms; the last time, the watcher waits for 1 s. */
  const waiting = (m: Marbles, setUp: { readonly scheduler?: SchedulerLike } = {}) =>
    watchingIn(m, {
      ...setUp,
      sync$: m.hot("10ms x 9ms x 9ms x 9ms x", { x: changed(BOB) }),
      answers: [of(B1), of(B1), of(B1), of(B1), of(B2)],
    });

  it(
    "it shows the user as superseded",
    marbles((m) => {
      m.expectObservable(waiting(m).watch([BOB]), "^ 2s !").toBe("a 9ms (sa) 6ms (sa) 6ms (sa) 6ms s 999ms b", SHOWN);
    }),
  );

  it(
    "further announcements do not prolong the wait, or begin another",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch, asked$, tracker } = waiting(m, { scheduler });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 2s !").toBe("-");
      m.acts("100ms i 99ms i 699ms i", { i: () => tracker.invalidate([BOB]).subscribe() });
      m.acts("950ms t", { t: () => expect(scheduler.pending).toBe(1) });
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 1009ms q", { q: "bob" });
    }),
  );

  it(
    "it shows what another caller fetches, and queries no more",
    marbles((m) => {
      const { watch, lookup, asked$ } = waiting(m);
      m.acts("500ms f", { f: () => lookup([BOB]).subscribe() });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60s !").toBe("-");
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 469ms q", { q: "bob" });
    }),
  );

  it(
    "it leaves no timer behind when it is unsubscribed",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch } = waiting(m, { scheduler });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 100ms !").toBe("-");
      m.acts("90ms a 100ms b", {
        a: () => expect(scheduler.pending).toBe(1),
        b: () => expect(scheduler.pending).toBe(0),
      });
    }),
  );

  it(
    "a clock that is set back does not prolong the wait",
    marbles((m) => {
      let offset = 0;
      const scheduler = new CountingScheduler(m.scheduler);
      scheduler.now = () => m.scheduler.now() + offset;
      const { watch, asked$ } = waiting(m, { scheduler });
      m.acts("500ms b", { b: () => (offset = -3_600_000) });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60s !").toBe("-");
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 1009ms q", { q: "bob" });
    }),
  );
});

describe("a user who changes all the time", () => {
  it(
    "costs a watcher one query for each change, and no timer",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const scheduler = new CountingScheduler(m.scheduler);
      let version = 0;
      const keysApi = { query: () => of(bobHas(`B${++version}`)), changes: () => of({}) };
      const { watch } = watchingIn(m, { scheduler, sync$, keysApi });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 2m !").toBe("-");
      let most = 0;
      interval(100, m.scheduler)
        .pipe(take(1_000))
        .subscribe(() => {
          sync$.next(changed(BOB));
          most = Math.max(most, scheduler.pending);
        });
      m.afterwards(() => {
        expect([version, most]).toEqual([1_001, 0]);
      });
    }),
  );
});
