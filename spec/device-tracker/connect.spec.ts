import { EMPTY, NEVER, throwError, type Subscription } from "rxjs";
import { describe, expect, it } from "vitest";
import { AlreadyConnectedError } from "../../src/model/errors.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { BOB } from "../support/users.js";
import { changed, step } from "../support/wire.js";

describe("connect()", () => {
  it(
    "subscribes to sync$ until its subscription is unsubscribed",
    marbles((m) => {
      const sync$ = m.hot("------------");
      const { tracker } = setUp(m, { sync$, connected: false });
      let connection: Subscription | undefined;
      m.acts("             --a----b    ", {
        a: () => (connection = tracker.connect()),
        b: () => connection?.unsubscribe(),
      });
      m.expectSubscriptions(sync$.subscriptions).toBe("--^----!");
    }),
  );

  it(
    "is when the tracker begins: before, it neither subscribes nor reads",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(BOB) });
      const { tracker, store } = setUp(m, { sync$, connected: false });
      m.expectObservable(tracker.deviceChanges$).toBe("---");
      m.expectSubscriptions(sync$.subscriptions).toBe([]);
      m.afterwards(() => {
        expect(store.begun).toEqual({ read: 0, readKinds: 0, update: 0, clear: 0 });
      });
    }),
  );

  it(
    "throws while a connection is open, which goes on",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(BOB) });
      const { tracker } = setUp(m, { sync$ });
      expect(() => tracker.connect()).toThrow(AlreadyConnectedError);
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [] } });
      m.expectSubscriptions(sync$.subscriptions).toBe("^");
    }),
  );

  it(
    "may be called again after the connection was unsubscribed",
    marbles((m) => {
      const since = (from: string, to: string) => ({ since: from, next_batch: to });
      const sync$ = m.hot("-x-y-z-", { x: step("s1"), y: since("s1", "s2"), z: since("s1", "s3") });
      const { tracker, synced$ } = setUp(m, { sync$, connected: false });
      const connection = tracker.connect();
      m.acts("             --u-c--", { u: () => connection.unsubscribe(), c: () => tracker.connect() });
      m.expectObservable(synced$).toBe("-x---z", { x: "s1", z: "s3" });
      m.expectSubscriptions(sync$.subscriptions).toBe(["^-!", "----^"]);
    }),
  );

  it.each([
    ["completed", EMPTY],
    ["failed", throwError(() => new Error("no network"))],
  ])("may be called again after sync$ has %s", (_, sync$) => {
    marbles((m) => {
      const { tracker } = setUp(m, { sync$, connected: false });
      expect(tracker.connect().closed).toBe(true);
      expect(tracker.connect().closed).toBe(true);
    })();
  });

  it(
    "reads the saved state once, not at each connection",
    marbles((m) => {
      const { tracker, store, lookup } = setUp(m, { sync$: NEVER, connected: false });
      tracker.connect().unsubscribe();
      tracker.connect();
      lookup([]).subscribe();
      expect(store.begun.readKinds).toBe(1);
    }),
  );
});
