import { config, defer, EMPTY, map, NEVER, retry, Subject, throwError, type Subscription } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { AlreadyConnectedError } from "../../src/model/errors.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed, step } from "../support/wire.js";

const tokens = map(({ next_batch }: SyncResponse) => next_batch);

/** A tracker that is not connected yet. */
function unconnected(
  { scheduler }: Marbles,
  sync$: DeviceTracker["synced$"],
  store = new ScriptedStore({ scheduler }),
) {
  return { store, tracker: new DeviceTracker({ userId: ALICE, sync$, keysApi: keysApiOf([]), scheduler, store }) };
}

afterEach(() => {
  config.onUnhandledError = null;
});

describe("connect()", () => {
  it(
    "subscribes to sync$, and unsubscribing its subscription ends that",
    marbles((m) => {
      const sync$ = m.hot("        ------------");
      const { tracker } = unconnected(m, sync$);
      let connection: Subscription | undefined;
      m.acts("                     --a----b    ", {
        a: () => (connection = tracker.connect()),
        b: () => connection?.unsubscribe(),
      });
      m.expectSubscriptions(sync$.subscriptions).toBe("--^----!");
    }),
  );

  it(
    "is when everything begins: before it the tracker neither listens nor reads",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(BOB) });
      const { tracker, store } = unconnected(m, sync$);
      m.expectObservable(tracker.deviceChanges$).toBe("---");
      m.expectSubscriptions(sync$.subscriptions).toBe([]);
      m.afterwards(() => {
        expect(store.begun).toEqual({ read: 0, readKinds: 0, update: 0, clear: 0 });
      });
    }),
  );

  it(
    "throws AlreadyConnectedError while a connection is open, and leaves that one alone",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(BOB) });
      const { tracker } = unconnected(m, sync$);
      tracker.connect();
      expect(() => tracker.connect()).toThrow(AlreadyConnectedError);
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [] } });
      m.expectSubscriptions(sync$.subscriptions).toBe("^");
    }),
  );

  it(
    "may be called again once the connection was unsubscribed",
    marbles((m) => {
      const sync$ = m.hot("        -x-y-z-", { x: changed(BOB), y: changed(BOB), z: changed(CAROL) });
      const { tracker } = unconnected(m, sync$);
      const connection = tracker.connect();
      m.acts("                     --u-c--", { u: () => connection.unsubscribe(), c: () => tracker.connect() });
      m.expectObservable(tracker.deviceChanges$.pipe(map(({ changed: users }) => users))).toBe("-x---z", {
        x: [BOB],
        z: [CAROL],
      });
      m.expectSubscriptions(sync$.subscriptions).toBe(["^-!", "----^"]);
    }),
  );

  it.each([
    ["completed", EMPTY],
    ["failed", throwError(() => new Error("no network"))],
  ])("may be called again once sync$ has %s", (_, sync$) => {
    marbles((m) => {
      const { tracker } = unconnected(m, sync$);
      for (let i = 0; i < 2; i++) {
        tracker.synced$.subscribe({ error: () => {} });
        expect(tracker.connect().closed).toBe(true);
      }
    })();
  });

  it(
    "loads the saved state only once, and not again at the next connection",
    marbles((m) => {
      const { tracker, store } = unconnected(m, NEVER);
      tracker.connect().unsubscribe();
      tracker.connect();
      tracker.getDeviceKeys([]).subscribe();
      m.afterwards(() => {
        expect(store.begun.readKinds).toBe(1);
      });
    }),
  );
});

describe("the end of sync$", () => {
  it(
    "by completion reaches synced$, and nobody else",
    marbles((m) => {
      const sync$ = m.cold("                     -x-|", { x: changed(BOB) });
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("-x-|", { x: "s1" });
      m.expectObservable(tracker.deviceChanges$.pipe(map(() => "changed"))).toBe("-x--", { x: "changed" });
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("12--", { 1: 1, 2: 2 });
      m.expectObservable(tracker.problems$).toBe("----");
    }),
  );

  it(
    "by an error reaches synced$, and nobody else",
    marbles((m) => {
      const sync$ = m.cold("                     -x-#", { x: changed(BOB) }, "logged out");
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("-x-#", { x: "s1" }, "logged out");
      m.expectObservable(tracker.deviceChanges$.pipe(map(() => "changed"))).toBe("-x--", { x: "changed" });
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("12--", { 1: 1, 2: 2 });
      m.expectObservable(tracker.problems$).toBe("----");
    }),
  );

  it(
    "by an error is reported as unhandled where nobody listens to synced$",
    marbles((m) => {
      const unhandled: unknown[] = [];
      config.onUnhandledError = (error) => unhandled.push(error);
      trackerIn(m, { sync$: m.cold("-#", undefined, "logged out") });
      m.afterwards(() => {
        expect(unhandled).toEqual(["logged out"]);
      });
    }),
  );

  it(
    "by an error is not reported as unhandled where somebody listens",
    marbles((m) => {
      const unhandled: unknown[] = [];
      config.onUnhandledError = (error) => unhandled.push(error);
      const { tracker } = trackerIn(m, { sync$: m.cold("-#", undefined, "logged out") });
      m.expectObservable(tracker.synced$).toBe("-#", undefined, "logged out");
      m.afterwards(() => {
        expect(unhandled).toEqual([]);
      });
    }),
  );

  it(
    "leaves lookups going on from the last step",
    marbles((m) => {
      const sync$ = m.cold("            -(x|)     ", { x: changed(BOB) });
      const bob$ = m.cold("                --(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const { lookup, asked$ } = trackerIn(m, { sync$, answers: [bob$] });
      m.expectObservable(lookup([BOB]), "---^-----").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "------^--").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("---b", { b: "bob" });
    }),
  );

  it(
    "waits on synced$ until the last step is durable",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        store,
        sync$: m.cold("-x#", { x: changed(BOB) }, "logged out"),
      });
      store.takes = 5;
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("------(x#)", { x: "s1" }, "logged out");
    }),
  );

  it(
    "does not wait on synced$ for a store that has failed, for that may last",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        store,
        sync$: m.cold("-x-#", { x: changed(BOB) }, "logged out"),
      });
      store.failNext("the disk is full", "update");
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("---#", {}, "logged out");
    }),
  );

  it(
    "does not wait on synced$ any longer once the store fails",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        store,
        sync$: m.cold("-x#", { x: changed(BOB) }, "logged out"),
      });
      store.takes = 3;
      store.failNext("the disk is full", "update");
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("----#", {}, "logged out");
    }),
  );

  it(
    "by unsubscribing tells nobody, and what was given before it still reaches synced$",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const steps$ = new Subject<SyncResponse>();
      const tracker = new DeviceTracker({
        userId: ALICE,
        sync$: steps$,
        keysApi: keysApiOf([]),
        scheduler: m.scheduler,
        store,
      });
      const connection = tracker.connect();
      store.takes = 4;
      m.acts("-xu", { x: () => steps$.next(changed(BOB)), u: () => connection.unsubscribe() });
      m.expectObservable(tracker.synced$.pipe(tokens)).toBe("-----x", { x: "s1" });
    }),
  );

  it(
    "lets who subscribes to synced$ afterwards wait for the next connection",
    marbles((m) => {
      const connections = [m.cold("-(x|)", { x: step("s1") }), m.cold("-y-", { y: step("s2") })];
      const { tracker } = unconnected(
        m,
        defer(() => connections.shift() ?? NEVER),
      );
      tracker.connect();
      m.acts("                                      ----c--", { c: () => tracker.connect() });
      m.expectObservable(tracker.synced$.pipe(tokens), "^------").toBe("-(x|)", { x: "s1" });
      m.expectObservable(tracker.synced$.pipe(tokens), "--^----").toBe("-----y-", { y: "s2" });
    }),
  );

  it(
    "is not told twice to who subscribes again from inside it",
    marbles((m) => {
      const connections = [m.cold("-#", undefined, "no network"), m.cold("-y-", { y: step("s2") })];
      const { tracker } = unconnected(
        m,
        defer(() => connections.shift() ?? NEVER),
      );
      tracker.connect();
      m.acts("                     ---c--", { c: () => tracker.connect() });
      m.expectObservable(tracker.synced$.pipe(tokens, retry())).toBe("----y-", { y: "s2" });
    }),
  );

  it(
    "may be answered by connecting again from inside it",
    marbles((m) => {
      const connections = [m.cold("-#", undefined, "no network"), m.cold("-y-", { y: step("s2") })];
      const { tracker } = unconnected(
        m,
        defer(() => connections.shift() ?? NEVER),
      );
      tracker.synced$.subscribe({ error: () => tracker.connect() });
      tracker.connect();
      m.expectObservable(tracker.synced$.pipe(tokens, retry())).toBe("--y-", { y: "s2" });
    }),
  );
});
