import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const withBob = (m: Marbles, options: SetUp = {}) =>
  setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] }, ...options });

describe("untrack()", () => {
  it(
    "makes users untracked: they are queried each time and not known any more",
    marbles((m) => {
      const { tracker, lookup, known, expectQueries } = withBob(m);
      m.expectObservable(lookup([BOB]), "       ^---").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(tracker.untrack([BOB]), "-^--").toBe("-|");
      m.expectObservable(lookup([BOB]), "       --^-").toBe("--(b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(lookup([BOB]), "       ---^").toBe("---(b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(known([BOB]), "        ---^").toBe("---(b|)", { b: [] });
      expectQueries("0-0 bob", "2-2 bob", "3-3 bob");
    }),
  );

  it(
    "supersedes a query in flight",
    marbles((m) => {
      const { tracker, lookup } = withBob(m, { answerAfter: 3 });
      m.expectObservable(tracker.untrack([BOB]), "-^").toBe("-|");
      m.expectObservable(lookup([BOB, CAROL])).toBe("---(x|)", { x: ["bob B1 superseded", "carol C1 current"] });
    }),
  );

  it(
    "leaves our own user tracked",
    marbles((m) => {
      const { tracker } = withBob(m);
      m.expectObservable(tracker.untrack([ALICE, BOB, CAROL])).toBe("|");
      m.expectObservable(tracker.trackedUsers$, "-^").toBe("-u", { u: new Set([ALICE]) });
    }),
  );

  it(
    "lasts until the users are announced or tracked again",
    marbles((m) => {
      const { tracker, lookup } = withBob(m, { sync$: m.hot("--x", { x: changed(BOB) }) });
      m.acts("-u-t", {
        u: () => tracker.untrack([BOB, CAROL]).subscribe(),
        t: () => tracker.track([CAROL]).subscribe(),
      });
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("3123", { 1: 1, 2: 2, 3: 3 });
      m.expectObservable(lookup([BOB, CAROL]), "----^").toBe("----(x|)", { x: ["bob B1 current", "carol C1 current"] });
    }),
  );

  it(
    "takes effect in memory at once, and completes when it is durable",
    marbles((m) => {
      const first = withBob(m);
      first.store.takes = 3;
      m.expectObservable(first.tracker.untrack([BOB]), "-^").toBe("----|");
      m.expectObservable(first.tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("32", { 2: 2, 3: 3 });
      const { tracker } = restarted(m, first, { connected: false });
      m.expectObservable(tracker.trackedUsers$, "-----^").toBe("-----u", { u: new Set([ALICE, CAROL]) });
    }),
  );

  it(
    "does nothing until it is subscribed to, and nothing for untracked users",
    marbles((m) => {
      const { tracker, store } = setUp(m, { tracked: [BOB] });
      const before = store.begun.update;
      tracker.untrack([BOB]);
      m.expectObservable(tracker.untrack([CAROL]), "-^").toBe("-|");
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
      m.afterwards(() => {
        expect(store.begun.update).toBe(before);
      });
    }),
  );

  it(
    "reaches other tabs",
    marbles((m) => {
      const first = withBob(m);
      const second = otherTab(m, first);
      m.expectObservable(second.tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("32", { 2: 2, 3: 3 });
      m.expectObservable(first.tracker.untrack([BOB]), "-^").toBe("-|");
      m.expectObservable(second.lookup([BOB]), "--^").toBe("--(b|)", { b: ["bob B1 untracked"] });
    }),
  );
});
