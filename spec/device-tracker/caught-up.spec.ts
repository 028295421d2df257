import { EMPTY, filter, map, NEVER, switchMap } from "rxjs";
import { describe, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB } from "../support/users.js";
import { changed, step } from "../support/wire.js";

const notConnected = (m: Marbles, options: SetUp) => setUp(m, { connected: false, ...options });
const up = { u: "up" };

describe("caughtUp$ of a tab that syncs", () => {
  it(
    "emits once the first step of the connection has been applied",
    marbles((m) => {
      const sync$ = m.hot("--x-y", { x: step("s1"), y: step("s2") });
      const { tracker } = notConnected(m, { sync$ });
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("--u", up);
      tracker.connect();
    }),
  );

  it(
    "replays for late subscribers",
    marbles((m) => {
      const { tracker } = notConnected(m, { sync$: m.hot("-x", { x: step("s1") }) });
      tracker.connect();
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up")), "---^").toBe("---u", up);
    }),
  );

  it(
    "emits when lookups reflect the step",
    marbles((m) => {
      const { tracker, lookup } = notConnected(m, {
        sync$: m.hot("-x", { x: changed(BOB) }),
        devices: { [BOB]: ["B1"] },
      });
      tracker.connect();
      const result$ = tracker.caughtUp$.pipe(switchMap(() => lookup([BOB])));
      m.expectObservable(result$).toBe("-u", { u: ["bob B1 current"] });
    }),
  );

  it(
    "does not wait for the store",
    marbles((m) => {
      const { tracker, store, lookup } = notConnected(m, { sync$: m.hot("-x", { x: step("s1") }) });
      lookup([]).subscribe();
      tracker.connect();
      store.takes = 5;
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("-u", up);
    }),
  );

  it(
    "waits until a gap before the first step is closed",
    marbles((m) => {
      const first = setUp(m, { sync$: EMPTY });
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { tracker } = otherTab(m, first, { sync$, changes: () => m.cold("---(x|)", { x: { changed: [] } }) });
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("----u", up);
    }),
  );

  it(
    "starts over with each connection",
    marbles((m) => {
      const sync$ = m.cold("-x", { x: { since: "s0", next_batch: "s0" } });
      const { tracker } = setUp(m, { sync$: NEVER });
      const { tracker: again } = notConnected(m, { sync$ });
      let connection = again.connect();
      m.acts("---u-c", { u: () => connection.unsubscribe(), c: () => (connection = again.connect()) });
      m.expectObservable(again.caughtUp$.pipe(map(() => "up"))).toBe("-u----u", up);
      m.expectObservable(again.caughtUp$.pipe(map(() => "up")), "-----^").toBe("------u", up);
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("u", up);
    }),
  );
});

describe("caughtUp$ of a tab whose stream is silent", () => {
  it(
    "does not emit if no tab is caught up",
    marbles((m) => {
      const { tracker } = notConnected(m, { sync$: NEVER });
      tracker.connect();
      m.expectObservable(tracker.caughtUp$).toBe("-");
    }),
  );

  it(
    "emits when another tab applies its first step",
    marbles((m) => {
      const first = notConnected(m, { sync$: m.hot("--x", { x: step("s1") }) });
      first.tracker.connect();
      const { tracker } = otherTab(m, first);
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("--u", up);
    }),
  );

  it(
    "does not emit if the connection of the tab that was caught up has ended",
    marbles((m) => {
      const first = setUp(m, { sync$: EMPTY });
      const { tracker } = otherTab(m, first);
      m.expectObservable(tracker.caughtUp$).toBe("-");
    }),
  );

  it(
    "asks a tab that is caught up already, and need not wait for its next step",
    marbles((m) => {
      const first = setUp(m, { sync$: NEVER });
      const { tracker } = otherTab(m, first, { connected: false });
      m.acts("---c", { c: () => tracker.connect() });
      m.expectObservable(tracker.caughtUp$.pipe(map(() => "up"))).toBe("---u", up);
    }),
  );

  it(
    "reads the commits that it missed while frozen before it emits",
    marbles((m) => {
      const first = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }), devices: { [BOB]: ["B1"] } });
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records });
      const second = otherTab(m, first, { store, connected: false });
      second.lookup([]).subscribe();
      m.acts("l-wc", {
        l: () => store.loseAnnouncements(),
        w: () => {
          store.takes = 2;
          store.wake();
        },
        c: () => second.tracker.connect(),
      });
      const result$ = second.tracker.caughtUp$.pipe(switchMap(() => second.lookup([BOB])));
      m.expectObservable(result$, "^ 20ms !").toBe("--------u", { u: ["bob B1 current"] });
    }),
  );

  it(
    "reads the commits whose announcements were lost before it emits",
    marbles((m) => {
      const first = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      const { records } = first.store;
      let isLost = true;
      const losing = { ...records, commits$: records.commits$.pipe(filter(() => !isLost)) };
      const store = new ScriptedStore({ scheduler: m.scheduler, records: losing });
      const { tracker, lookup } = otherTab(m, first, { store, connected: false });
      lookup([]).subscribe();
      m.acts("--fc", {
        f: () => {
          isLost = false;
          store.takes = 2;
        },
        c: () => tracker.connect(),
      });
      // It asks until 5, and reads the head and the log until 9.
      const tracked$ = tracker.caughtUp$.pipe(switchMap(() => tracker.trackedUsers$));
      m.expectObservable(tracked$, "^ 20ms !").toBe("---------u", { u: new Set([ALICE, BOB]) });
    }),
  );
});
