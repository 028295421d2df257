import { config, defer, map, NEVER, retry, type Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB } from "../support/users.js";
import { changed, step } from "../support/wire.js";

const token = ({ next_batch }: SyncResponse): string => next_batch;

/** Each connection subscribes to the next of these streams. */
const inTurn = (...streams: Observable<SyncResponse>[]) => defer(() => streams.shift() ?? NEVER);

const unhandled: unknown[] = [];
beforeEach(() => {
  unhandled.length = 0;
  config.onUnhandledError = (error) => unhandled.push(error);
});
afterEach(() => {
  config.onUnhandledError = null;
});

/** What has a subscriber throughout: streams that the end of sync$ does not reach. */
function expectNoEnd(m: Marbles, { tracker }: ReturnType<typeof setUp>) {
  m.expectObservable(tracker.deviceChanges$.pipe(map(() => "changed"))).toBe("-x--", { x: "changed" });
  m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("12--", { 1: 1, 2: 2 });
}

describe("the completion of sync$", () => {
  it(
    "reaches applied$ and synced$ only, and is reported",
    marbles((m) => {
      const under = setUp(m, { sync$: m.cold("-x-|", { x: changed(BOB) }) });
      m.expectObservable(under.tracker.applied$.pipe(map(token))).toBe("-x-|", { x: "s1" });
      m.expectObservable(under.synced$).toBe("-x-|", { x: "s1" });
      expectNoEnd(m, under);
      m.expectObservable(under.problems$).toBe("---p", { p: "sync-ended" });
    }),
  );
});

describe("an error of sync$", () => {
  const failing = (m: Marbles, options: SetUp = {}) =>
    setUp(m, { sync$: m.cold("-x-#", { x: changed(BOB) }, "logged out"), ...options });

  it(
    "reaches applied$ and synced$ only, and is reported",
    marbles((m) => {
      const under = failing(m);
      m.expectObservable(under.tracker.applied$.pipe(map(token))).toBe("-x-#", { x: "s1" }, "logged out");
      m.expectObservable(under.synced$).toBe("-x-#", { x: "s1" }, "logged out");
      expectNoEnd(m, under);
      m.expectObservable(under.problems$).toBe("---p", { p: "sync-ended" });
      m.afterwards(() => {
        expect(under.problems).toMatchObject([{ error: "logged out" }]);
      });
    }),
  );

  it(
    "is never thrown, even if nothing subscribes to synced$ and applied$",
    marbles((m) => {
      const { problems$ } = failing(m);
      m.expectObservable(problems$).toBe("---p", { p: "sync-ended" });
      m.afterwards(() => {
        expect(unhandled).toEqual([]);
      });
    }),
  );

  it(
    "is never thrown for a subscriber that does not handle it",
    marbles((m) => {
      const { tracker, problems$ } = failing(m);
      tracker.applied$.subscribe();
      tracker.synced$.pipe(map(token)).subscribe();
      m.expectObservable(problems$).toBe("---p", { p: "sync-ended" });
      m.afterwards(() => {
        expect(unhandled).toEqual([]);
      });
    }),
  );

  it(
    "leaves lookups going on from the last step",
    marbles((m) => {
      const { lookup, expectQueries } = failing(m, { devices: { [BOB]: ["B1"] }, answerAfter: 2 });
      m.expectObservable(lookup([BOB]), "----^--").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("4-6 bob");
    }),
  );
});

describe("the end of synced$", () => {
  const endingAfter = (m: Marbles, marble: string) =>
    setUp(m, { tracked: [BOB], sync$: m.cold(marble, { x: changed(BOB) }, "logged out") });

  it(
    "waits until the last step is durable",
    marbles((m) => {
      const { store, synced$, tracker } = endingAfter(m, "-x#");
      store.takes = 5;
      m.expectObservable(tracker.applied$.pipe(map(token))).toBe("-x#", { x: "s1" }, "logged out");
      m.expectObservable(synced$).toBe("------(x#)", { x: "s1" }, "logged out");
    }),
  );

  it(
    "does not wait for a store that has failed: that may last",
    marbles((m) => {
      const { store, synced$ } = endingAfter(m, "-x-#");
      store.failNext("the disk is full", "update");
      m.expectObservable(synced$).toBe("---#", {}, "logged out");
    }),
  );

  it(
    "does not wait any longer once the store fails",
    marbles((m) => {
      const { store, synced$ } = endingAfter(m, "-x#");
      store.takes = 3;
      store.failNext("the disk is full", "update");
      m.expectObservable(synced$).toBe("----#", {}, "logged out");
    }),
  );

  it(
    "does not come with unsubscribing: the last step still becomes durable",
    marbles((m) => {
      const { tracker, store, synced$ } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }), connected: false });
      const connection = tracker.connect();
      store.takes = 4;
      m.acts("--u", { u: () => connection.unsubscribe() });
      m.expectObservable(synced$).toBe("-----x", { x: "s1" });
    }),
  );

  it(
    "leaves later subscribers to the next connection",
    marbles((m) => {
      const sync$ = inTurn(m.cold("-(x|)", { x: step("s1") }), m.cold("-y", { y: { since: "s1", ...step("s2") } }));
      const { tracker, synced$ } = setUp(m, { sync$ });
      m.acts("                    ----c--", { c: () => tracker.connect() });
      m.expectObservable(synced$, "^------").toBe("-(x|)", { x: "s1" });
      m.expectObservable(synced$, "--^----").toBe("-----y-", { y: "s2" });
    }),
  );

  it(
    "is not repeated for a subscriber that subscribes again from within it",
    marbles((m) => {
      const sync$ = inTurn(m.cold("-#", undefined, "no network"), m.cold("-y", { y: { since: "s0", ...step("s2") } }));
      const { tracker, synced$ } = setUp(m, { sync$ });
      m.acts("---c--", { c: () => tracker.connect() });
      m.expectObservable(synced$.pipe(retry())).toBe("----y-", { y: "s2" });
    }),
  );

  it(
    "may be answered by connecting again from within it",
    marbles((m) => {
      const sync$ = inTurn(m.cold("-#", undefined, "no network"), m.cold("-y", { y: { since: "s0", ...step("s2") } }));
      const { tracker, synced$ } = setUp(m, { sync$ });
      synced$.subscribe({ error: () => tracker.connect() });
      m.expectObservable(synced$.pipe(retry())).toBe("--y", { y: "s2" });
    }),
  );
});
