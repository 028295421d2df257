import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const current = { b: ["bob B1 current"] };

/** The first tab syncs. The second one is frozen from the start, and wakes when `timing` says `w`. Bob's list is fetched. */
function withFrozenTab(m: Marbles, timing: string, options: SetUp = {}) {
  const first = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] }, sync$: m.hot("-"), ...options });
  first.lookup([BOB]).subscribe();
  const second = otherTab(m, first);
  second.lookup([BOB]).subscribe();
  second.store.loseAnnouncements();
  m.acts(timing, { w: () => second.store.wake() });
  return { first, second };
}

const bobChanged = { since: "s0", next_batch: "s1", device_lists: { changed: [BOB] } };

describe("a frozen tab that wakes", () => {
  it(
    "compares the head: one read, and nothing is to be done",
    marbles((m) => {
      const { second } = withFrozenTab(m, "--w");
      const before = { ...second.store.begun };
      const { trackedUsers$, deviceChanges$, applied$ } = second.tracker;
      m.expectObservable(trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
      for (const stream$ of [deviceChanges$, applied$]) m.expectObservable<unknown>(stream$).toBe("-");
      m.expectObservable(second.lookup([BOB]), "---^").toBe("---(b|)", current);
      second.expectQueries();
      m.afterwards(() => {
        expect(second.store.begun).toEqual({ ...before, read: before.read + 1 });
      });
    }),
  );

  it(
    "reads the commits that it missed, and emits them as one step",
    marbles((m) => {
      const sync$ = m.hot("-x-y", {
        x: bobChanged,
        y: { since: "s1", next_batch: "s2", device_lists: { changed: [CAROL] } },
      });
      const { second } = withFrozenTab(m, "----w", { sync$ });
      const both = { changed: [BOB, CAROL], left: [] };
      m.expectObservable(second.tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("2---3", { 2: 2, 3: 3 });
      m.expectObservable(second.tracker.deviceChanges$).toBe("----x", { x: both });
      m.expectObservable(second.tracker.synced$).toBe("----x", {
        x: { since: "s0", next_batch: "s2", device_lists: both },
      });
      m.expectObservable(second.lookup([BOB]), "-----^").toBe("-----(b|)", current);
      second.expectQueries("5-5 bob");
    }),
  );

  it(
    "calls nothing current until it has compared",
    marbles((m) => {
      const { second } = withFrozenTab(m, "--w", { sync$: m.hot("-x", { x: bobChanged }) });
      m.acts("-t", { t: () => (second.store.takes = 3) });
      m.expectObservable(second.known([BOB]), "---^").toBe("---(b|)", { b: ["bob B1 outdated"] });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("-----------(b|)", current); // after two reads and a save
      second.expectQueries("8-8 bob");
    }),
  );

  it(
    "reads the lists that were saved in the meantime",
    marbles((m) => {
      const { first, second } = withFrozenTab(m, "---w", { sync$: m.hot("-x", { x: bobChanged }) });
      m.expectObservable(first.lookup([BOB]), "--^").toBe("--(b|)", current);
      m.expectObservable(second.lookup([BOB]), "----^").toBe("----(b|)", current);
      second.expectQueries();
    }),
  );

  it(
    "supersedes queries that it had sent before",
    marbles((m) => {
      const { first, second } = withFrozenTab(m, "----w", { sync$: m.hot("-x", { x: bobChanged }) });
      m.acts("a", { a: () => (first.homeserver.answerAfter = 6) });
      m.expectObservable(second.lookup([BOB], { forceDownload: true }), "--^").toBe("--------(b|)", {
        b: ["bob B1 superseded"],
      });
    }),
  );

  it(
    "has watchers show what it missed",
    marbles((m) => {
      const { second } = withFrozenTab(m, "---w", { sync$: m.hot("-x", { x: bobChanged }) });
      m.expectObservable(second.watch([BOB]), "^ 9ms !").toBe("a--(ba)", { a: current.b, b: ["bob B1 superseded"] });
    }),
  );

  it(
    "goes on in doubt if it cannot read, and tries again",
    marbles((m) => {
      const { second } = withFrozenTab(m, "--w", { sync$: m.hot("-x", { x: bobChanged }) });
      m.acts("-f", { f: () => second.store.failNext("broken", "read") });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("---(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(second.lookup([BOB]), "1100ms ^").toBe("1100ms (b|)", current);
      m.expectObservable(second.problems$).toBe("--r", { r: "read-failed" });
    }),
  );
});
