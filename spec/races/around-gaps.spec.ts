import { map, merge, NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";
import { answering } from "./account-in.js";

const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });
const B2 = answer({ [BOB]: ["B2"] });
const BOTH = ["bob B1 current", "carol C1 current"];

/** A tracker on s1, which tracks Bob and Carol. Steps from s5 on come after a gap. */
const trackerOnS1 = (m: Marbles, { sync$ = NEVER, ...setUp }: TrackerSetUp) =>
  trackerIn(m, { ...setUp, sync$: merge(of(answering(null, "s1", { changed: [BOB, CAROL] })), sync$) });

const gap = (lists: DeviceLists = {}) => answering("s5", "s6", lists);

describe("a watcher", () => {
  it(
    "shows a list as superseded while steps may be missing, and as current afterwards",
    marbles((m) => {
      const { watch, asked$ } = trackerOnS1(m, {
        sync$: m.hot("-----y", { y: gap() }),
        answers: [of(answer({ [BOB]: ["B1"] }))],
        changes: () => m.cold("-----(c|)", { c: { changed: [] } }),
      });
      m.expectObservable(watch([BOB]), "-^ 60s !").toBe("-o---s----o", {
        o: ["bob B1 current"],
        s: ["bob B1 superseded"],
      });
      m.expectObservable(asked$).toBe("-b", { b: "bob" });
    }),
  );

  it(
    "shows users whom a gap untracked as untracked",
    marbles((m) => {
      const { watch } = trackerOnS1(m, {
        sync$: m.hot("-----y", { y: gap() }),
        answers: [of(answer({ [BOB]: ["B1"] }))],
        gaps: "distrust",
      });
      m.expectObservable(watch([BOB]), "-^ 60s !").toBe("-o---l", { o: ["bob B1 current"], l: ["bob B1 untracked"] });
    }),
  );
});

describe("gap after gap", () => {
  /** The application says of each response that it answers a token of its own; each gap takes until queryDeadline, 4 ms. */
  const responses = Object.fromEntries(
    ["a", "b", "c", "d"].map((token) => [token, answering(`before ${token}`, token)]),
  );
  const slow = { changes: () => NEVER, queryDeadline: 4 };

  it(
    "holds up a lookup once, and track() until those before it are closed",
    marbles((m) => {
      const sync$ = m.hot("--abc-d", responses);
      const { lookup, tracker } = trackerOnS1(m, { ...slow, sync$, answers: [of(both)] });
      m.expectObservable(lookup([BOB]), "    ---^---").toBe("------(s|)", { s: ["bob B1 untracked"] });
      m.expectObservable(tracker.track([DAVE]), "-----^").toBe("14ms |");
    }),
  );

  it(
    "syncs every step, in order",
    marbles((m) => {
      const { tracker } = trackerOnS1(m, { ...slow, sync$: m.hot("--abcd", responses) });
      const tokens$ = tracker.synced$.pipe(map(({ next_batch }) => next_batch));
      m.expectObservable(tokens$).toBe("------a---b---c---d");
    }),
  );
});

describe("an initial sync that is repeated, and leads to our token", () => {
  it(
    "is no gap, and outdates no user",
    marbles((m) => {
      const { lookup, known, problems } = trackerOnS1(m, {
        sync$: m.hot("--x", { x: answering(null, "s1") }),
        answers: [of(both)],
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^").toBe("-(x|)", { x: BOTH });
      m.expectObservable(known([BOB, CAROL]), "---^").toBe("---(x|)", { x: BOTH });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});

describe("an account's first token", () => {
  it(
    "outdates lists that were fetched before it: they may be older",
    marbles((m) => {
      const answers = [of(answer({ [BOB]: ["B1"] })), of(B2)];
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$: m.hot("--x", { x: answering(null, "s1") }), answers });
      m.expectObservable(lookup([BOB]), "-^--").toBe("-(x|)", { x: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "---^").toBe("---(x|)", { x: ["bob B2 current"] });
    }),
  );

  it(
    "supersedes queries in flight",
    marbles((m) => {
      const answers = [m.cold("----(x|)", { x: B2 })];
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$: m.hot("--x", { x: answering(null, "s1") }), answers });
      m.expectObservable(lookup([BOB]), "-^--").toBe("-----(x|)", { x: ["bob B2 superseded"] });
    }),
  );
});
