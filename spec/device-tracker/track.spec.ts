import { map } from "rxjs";
import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const bobHasB1 = { devices: { [BOB]: ["B1"] } };

describe("track()", () => {
  it(
    "makes untracked users tracked and outdated, so that their lists are cached",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = setUp(m, { ...bobHasB1, answerAfter: 3 });
      m.expectObservable(tracker.track([BOB])).toBe("|");
      m.expectObservable(lookup([BOB]), "-^----").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("1-4 bob");
    }),
  );

  it(
    "leaves the lists of tracked users in the cache",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB] });
      m.expectObservable(lookup([BOB]), "     ^--").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(tracker.track([BOB]), "-^-").toBe("-|");
      m.expectObservable(lookup([BOB]), "     --^").toBe("--(b|)", { b: ["bob B1 current"] });
      expectQueries("0-0 bob");
    }),
  );

  it(
    "does not supersede the queries of tracked users",
    marbles((m) => {
      const { tracker, lookup } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 3 });
      m.expectObservable(tracker.track([BOB, CAROL]), "-^").toBe("-|");
      m.expectObservable(lookup([BOB])).toBe("---(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "supersedes queries sent while the user was untracked",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = setUp(m, { ...bobHasB1, answerAfter: 3 });
      m.expectObservable(tracker.track([BOB]), "-^---").toBe("-|");
      m.expectObservable(lookup([BOB]), "     ^----").toBe("---(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "     ----^").toBe("-------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "4-7 bob");
    }),
  );

  it(
    "takes effect in memory at once, and completes when it is durable",
    marbles((m) => {
      const { tracker, store } = setUp(m);
      store.takes = 3;
      m.expectObservable(tracker.track([BOB]), "-^").toBe("----|");
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("12", { 1: 1, 2: 2 });
    }),
  );

  it(
    "is committed after a pending step that tracks the users: that may come to nothing",
    marbles((m) => {
      const { tracker, store } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      store.takes = 4;
      m.expectObservable(tracker.track([BOB]), "--^").toBe("---------|");
    }),
  );

  it(
    "does nothing until it is subscribed to",
    marbles((m) => {
      const { tracker } = setUp(m);
      tracker.track([BOB]);
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE]) });
    }),
  );

  it(
    "goes on if it is unsubscribed",
    marbles((m) => {
      const first = setUp(m);
      first.store.takes = 3;
      m.expectObservable(first.tracker.track([BOB]), "^!").toBe("-");
      const { tracker } = restarted(m, first, { connected: false });
      m.expectObservable(tracker.trackedUsers$, "----^").toBe("----u", { u: new Set([ALICE, BOB]) });
    }),
  );

  it(
    "outlives a restart",
    marbles((m) => {
      const { tracker } = restarted(m, setUp(m, { tracked: [BOB] }), { connected: false });
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
    }),
  );

  it(
    "leaves the list of a user that another tab has tracked and fetched",
    marbles((m) => {
      const first = setUp(m, bobHasB1);
      const second = otherTab(m, first);
      first.tracker.track([BOB]).subscribe();
      first.lookup([BOB]).subscribe();
      m.expectObservable(second.tracker.track([BOB])).toBe("|");
      m.expectObservable(second.lookup([BOB]), "-^").toBe("-(b|)", { b: ["bob B1 current"] });
      second.expectQueries();
    }),
  );
});
