import { take } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { restarted, setUp, type SetUp } from "../support/set-up.js";
import { BOB, EVE } from "../support/users.js";
import { changed } from "../support/wire.js";

const bobHasB1 = { tracked: [BOB], devices: { [BOB]: ["B1"] } };

/** A tracker whose timers are counted. */
function counted(m: Marbles, options: SetUp = {}) {
  const scheduler = new CountingScheduler(m.scheduler);
  /** Expects so many timers at each frame: a digit stands for a number. */
  const expectTimers = (timing: string) => {
    const digits = Array.from({ length: 10 }, (_, count) => [
      String(count),
      () => expect(scheduler.pending).toBe(count),
    ]);
    m.acts(timing, Object.fromEntries(digits) as Record<string, () => void>);
  };
  return { ...setUp(m, { scheduler, ...options }), scheduler, expectTimers };
}

describe("unsubscribing", () => {
  it(
    "from a lookup aborts its query and leaves no timer",
    marbles((m) => {
      const { lookup, expectTimers, expectQueries } = counted(m, { ...bobHasB1, answerAfter: 5 });
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      expectTimers("                            --1-0");
      expectQueries("1-3 bob (aborted)");
    }),
  );

  it(
    "from a lookup that waits for the saved state leaves no timer",
    marbles((m) => {
      const { lookup, store, expectTimers } = counted(m, { connected: false });
      store.takes = 4;
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      expectTimers("                            --1-0");
    }),
  );

  it(
    "from a lookup that waits for a saved list leaves no timer",
    marbles((m) => {
      const first = setUp(m, bobHasB1);
      first.lookup([BOB]).subscribe();
      const scheduler = new CountingScheduler(m.scheduler);
      const { lookup, store } = restarted(m, first, { scheduler });
      lookup([]).subscribe();
      store.takes = 5;
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      m.acts("--a-b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
    }),
  );

  it(
    "from a watcher aborts its query and leaves no timer",
    marbles((m) => {
      const { watch, expectTimers, expectQueries } = counted(m, { ...bobHasB1, answerAfter: 5 });
      m.expectObservable(watch([BOB]), "-^--!").toBe("-----");
      expectTimers("                           --1--0");
      expectQueries("1-4 bob (aborted)");
    }),
  );

  it(
    "from a watcher that is to retry leaves no timer",
    marbles((m) => {
      const { homeserver, watch, expectTimers } = counted(m, { tracked: [EVE] });
      homeserver.unreachable.add("down.example");
      m.expectObservable(watch([EVE]), "-^--!").toBe("-e", { e: ["eve - unreachable"] });
      expectTimers("                           --1--0");
    }),
  );

  it(
    "from within the value is harmless",
    marbles((m) => {
      const { lookup, expectTimers, expectQueries } = counted(m, { ...bobHasB1, answerAfter: 2 });
      m.expectObservable(lookup([BOB]).pipe(take(1))).toBe("--(b|)", { b: ["bob B1 current"] });
      expectTimers("-1-0");
      expectQueries("0-2 bob");
    }),
  );

  it(
    "of one of several callers keeps the request's timer until the request ends",
    marbles((m) => {
      const { lookup, expectTimers } = counted(m, { ...bobHasB1, answerAfter: 5 });
      m.expectObservable(lookup([BOB]), "^--!").toBe("----");
      m.expectObservable(lookup([BOB]), "-^--").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectTimers("                            ----1-0");
    }),
  );
});

describe("no timer is left", () => {
  it(
    "after a lookup, a step and a watcher",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: changed(BOB), y: changed(BOB) });
      const { lookup, watch, expectTimers } = counted(m, { ...bobHasB1, sync$, answerAfter: 2 });
      m.expectObservable(lookup([BOB]), "^").toBe("--(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(watch([BOB]), " ----^----!").toBe("------b", { b: ["bob B1 current"] });
      expectTimers("------------0");
    }),
  );

  it(
    "after a query that failed and one that timed out",
    marbles((m) => {
      const { homeserver, lookup, expectTimers } = counted(m, { ...bobHasB1, answerAfter: 9, queryDeadline: 5 });
      homeserver.failNext("refused");
      lookup([BOB]).subscribe({ error: () => {} });
      lookup([EVE]).subscribe({ error: () => {} });
      expectTimers("-2----0");
    }),
  );
});

describe("a tracker that was only constructed", () => {
  it(
    "has subscribed to nothing and started no timer",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const sync$ = m.hot("---");
      const never$ = m.cold("-");
      const keysApi = { query: () => never$, changes: () => never$ };
      const tracker = new DeviceTracker({ userId: BOB, sync$, keysApi, scheduler });
      tracker.getDeviceKeys([BOB]);
      m.expectSubscriptions(sync$.subscriptions).toBe([]);
      m.expectSubscriptions(never$.subscriptions).toBe([]);
      expect(scheduler.pending).toBe(0);
    }),
  );
});
