import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { QueryTimedOutError } from "../../src/model/errors.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });

/** A tracker whose timers are counted. */
function counted(m: Marbles, setUp: TrackerSetUp) {
  const scheduler = new CountingScheduler(m.scheduler);
  return { ...trackerIn({ scheduler: m.scheduler }, { scheduler, ...setUp }), scheduler };
}

describe("unsubscribing", () => {
  it(
    "from a lookup whose query is in flight aborts it and leaves no timer",
    marbles((m) => {
      const bob$ = m.cold("-----(b|)", { b: B1 });
      const { lookup, scheduler } = counted(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      m.acts("--a-b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
      m.expectSubscriptions(bob$.subscriptions).toBe("-^-!");
    }),
  );

  it(
    "from a lookup that waits for the saved state to be loaded leaves no timer",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 4 });
      const { lookup, scheduler } = counted(m, { store });
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      m.acts("--a-b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
    }),
  );

  it(
    "from a lookup that waits for a saved list leaves no timer",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      trackerIn(m, { store, tracking: [BOB], answers: [of(B1)] })
        .lookup([BOB])
        .subscribe();
      const { lookup, scheduler } = counted(m, { store });
      lookup([]).subscribe();
      store.takes = 5;
      m.expectObservable(lookup([BOB]), "-^-!").toBe("----");
      m.acts("--a-b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
    }),
  );

  it(
    "from everything once it is over leaves no timer, in a lookup, a step, a watcher",
    marbles((m) => {
      const sync$ = m.hot("-x-y-", { x: changed(BOB), y: changed(BOB) });
      const { watch, lookup, scheduler } = counted(m, {
        sync$,
        answers: [m.cold("--(b|)", { b: B1 }), m.cold("--(b|)", { b: B1 })],
      });
      m.expectObservable(lookup([BOB]), "-^------").toBe("---(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(watch([BOB]), " ----^----!").toBe("------b", { b: ["bob B1 current"] });
      m.acts("------------a", { a: () => expect(scheduler.pending).toBe(0) });
    }),
  );

  it(
    "from a watcher that is to ask again leaves no timer",
    marbles((m) => {
      const { watch, scheduler } = counted(m, { answers: [of(answer({}, ["down.example"]))] });
      m.expectObservable(watch([EVE]), "-^--!").toBe("-e", { e: ["eve - unreachable"] });
      m.acts("--a--b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
    }),
  );

  it(
    "from a watcher aborts its query and leaves no timer",
    marbles((m) => {
      const bob$ = m.cold("-----(b|)", { b: B1 });
      const { watch, scheduler } = counted(m, { answers: [bob$] });
      m.expectObservable(watch([BOB]), "-^--!").toBe("-----");
      m.acts("-----b", { b: () => expect(scheduler.pending).toBe(0) });
      m.expectSubscriptions(bob$.subscriptions).toBe("-^--!");
    }),
  );

  it(
    "from the inside of the value, as take(1) does, is harmless",
    marbles((m) => {
      const bob$ = m.cold("--(b|)", { b: B1 });
      const { tracker, scheduler } = counted(m, { tracking: [BOB], answers: [bob$] });
      const subscription = tracker.getDeviceKeys([BOB]).subscribe(() => subscription.unsubscribe());
      m.acts("---b", { b: () => expect(scheduler.pending).toBe(0) });
      m.expectSubscriptions(bob$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "while others wait keeps the request's timer, and its end clears it",
    marbles((m) => {
      const bob$ = m.cold("-----(b|)", { b: B1 });
      const { lookup, scheduler } = counted(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "^--!--").toBe("------");
      m.expectObservable(lookup([BOB]), "-^----").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.acts("----a-b", { a: () => expect(scheduler.pending).toBe(1), b: () => expect(scheduler.pending).toBe(0) });
    }),
  );
});

describe("a failing or timed-out query", () => {
  it(
    "leaves no timer",
    marbles((m) => {
      const { lookup, scheduler } = counted(m, {
        answers: [m.cold("--#"), m.cold("-")],
        maxUsersPerQuery: 1,
        queryDeadline: 5,
      });
      lookup([CAROL]).subscribe({ error: () => {} });
      m.expectObservable(lookup([BOB])).toBe("-----#", undefined, new QueryTimedOutError(5, [BOB]));
      m.acts("------a", { a: () => expect(scheduler.pending).toBe(0) });
    }),
  );
});

describe("a tracker that nothing was asked of", () => {
  it(
    "holds no timer and has subscribed to nothing",
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
