import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const withBob = (m: Marbles, options: SetUp = {}) =>
  setUp(m, { tracked: [BOB], devices: { [ALICE]: ["A1"], [BOB]: ["B1"], [CAROL]: ["C1"] }, ...options });

describe("invalidate()", () => {
  it(
    "outdates the lists of tracked users: they are queried again",
    marbles((m) => {
      const { tracker, lookup, known, expectQueries } = withBob(m);
      m.expectObservable(lookup([BOB]), "          ^---").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(tracker.invalidate([BOB]), "-^--").toBe("-|");
      m.expectObservable(known([BOB]), "           --^-").toBe("--(b|)", { b: ["bob B1 outdated"] });
      m.expectObservable(lookup([BOB]), "          ---^").toBe("---(b|)", { b: ["bob B1 current"] });
      expectQueries("0-0 bob", "3-3 bob");
    }),
  );

  it(
    "outdates our own list, too",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = withBob(m);
      m.expectObservable(lookup([ALICE]), "          ^--").toBe("(a|)", { a: ["alice A1 current"] });
      m.expectObservable(tracker.invalidate([ALICE]), "-^-").toBe("-|");
      m.expectObservable(lookup([ALICE]), "          --^").toBe("--(a|)", { a: ["alice A1 current"] });
      expectQueries("0-0 alice", "2-2 alice");
    }),
  );

  it(
    "supersedes a query in flight",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = withBob(m, { answerAfter: 3 });
      m.expectObservable(tracker.invalidate([BOB]), "-^-").toBe("-|");
      m.expectObservable(lookup([BOB]), "          ^--").toBe("---(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "          --^").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "2-5 bob");
    }),
  );

  it(
    "leaves untracked users untracked",
    marbles((m) => {
      const { tracker, lookup, store } = withBob(m);
      const before = store.begun.update;
      m.expectObservable(tracker.invalidate([CAROL])).toBe("|");
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
      m.acts("-c", { c: () => expect(store.begun.update).toBe(before) });
      m.expectObservable(lookup([CAROL]), "--^").toBe("--(c|)", { c: ["carol C1 untracked"] });
    }),
  );

  it(
    "takes effect in memory at once, and completes when it is durable",
    marbles((m) => {
      const first = withBob(m);
      first.lookup([BOB]).subscribe();
      first.store.takes = 3;
      m.expectObservable(first.tracker.invalidate([BOB]), "-^").toBe("----|");
      m.expectObservable(first.known([BOB]), "              --^").toBe("--(b|)", { b: ["bob B1 outdated"] });
      const { known } = restarted(m, first, { connected: false });
      m.expectObservable(known([BOB]), "-----^").toBe("-----(b|)", { b: ["bob B1 outdated"] });
    }),
  );

  it(
    "does nothing until it is subscribed to",
    marbles((m) => {
      const { tracker, lookup, known } = withBob(m);
      lookup([BOB]).subscribe();
      tracker.invalidate([BOB]);
      m.expectObservable(known([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "reaches other tabs",
    marbles((m) => {
      const first = withBob(m);
      const second = otherTab(m, first);
      m.expectObservable(second.lookup([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(first.tracker.invalidate([BOB]), "-^").toBe("-|");
      m.expectObservable(second.lookup([BOB]), "--^").toBe("--(b|)", { b: ["bob B1 current"] });
      second.expectQueries("0-0 bob", "2-2 bob");
    }),
  );
});
