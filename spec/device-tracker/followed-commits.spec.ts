import { filter, map, mergeMap } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const response = { since: "s0", next_batch: "s1", device_lists: { changed: [BOB], left: [CAROL] }, rooms: {} };
const { rooms: _rooms, ...lists } = response;

/** The first tab syncs and applies the response at 2; the second one's stream is silent. */
function twoTabs(m: Marbles, { first: options, second, announceAfter = 0 }: TwoTabs = {}) {
  const first = setUp(m, {
    tracked: [BOB, CAROL],
    devices: { [BOB]: ["B1"], [CAROL]: ["C1"] },
    sync$: m.hot("--x", { x: response }),
    ...options,
  });
  const { scheduler } = m;
  const store = new ScriptedStore({ scheduler, records: first.store.records, announceAfter });
  return { first, second: otherTab(m, first, { store, ...second }) };
}

interface TwoTabs {
  readonly first?: SetUp;
  readonly second?: SetUp;
  readonly announceAfter?: number;
}

describe("a step that another tab commits", () => {
  it(
    "is emitted on all streams as in that tab, without the rest of its response",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      const sets = { a: new Set([ALICE, BOB, CAROL]), b: new Set([ALICE, BOB]) };
      for (const { tracker } of [first, second]) {
        m.expectObservable(tracker.trackedUsers$).toBe("a-b", sets);
        m.expectObservable(tracker.deviceChanges$).toBe("--x", { x: { changed: [BOB], left: [CAROL] } });
        m.expectObservable(tracker.synced$).toBe("--x", { x: lists });
      }
      m.expectObservable(first.tracker.applied$).toBe("--x", { x: response });
      m.expectObservable(second.tracker.applied$).toBe("--x", { x: lists });
    }),
  );

  it(
    "is emitted when it is durable and announced",
    marbles((m) => {
      const { first, second } = twoTabs(m, { announceAfter: 3 });
      first.store.takes = 4;
      const announced$ = second.tracker.deviceChanges$.pipe(map(() => "changes"));
      m.expectObservable(announced$).toBe("---------x", { x: "changes" });
      m.expectObservable(second.synced$).toBe("---------x", { x: "s1" });
    }),
  );

  it.each([
    ["that begins elsewhere", { since: "s5", next_batch: "s6", device_lists: { left: [CAROL] } }],
    ["that does not say where it begins", { since: null, next_batch: "s6" }],
  ])("after a gap, %s, is one response with what was missed", (_, late) => {
    marbles((m) => {
      const missed = { changed: [BOB], left: [CAROL] };
      const first = { sync$: m.hot("--x", { x: late }), changes: () => m.cold("-(x|)", { x: missed }) };
      const { second } = twoTabs(m, { first });
      const whole = { since: "s0", next_batch: "s6", device_lists: missed };
      m.expectObservable(second.tracker.applied$).toBe("---x", { x: whole });
    })();
  });

  it(
    "is reflected by lookups before it is emitted",
    marbles((m) => {
      const { second } = twoTabs(m);
      second.lookup([BOB]).subscribe();
      const within$ = second.tracker.deviceChanges$.pipe(mergeMap(() => second.lookup([BOB, CAROL])));
      m.expectObservable(within$).toBe("--x", { x: ["bob B1 current", "carol C1 untracked"] });
      second.expectQueries("0-0 bob", "2-2 bob carol");
    }),
  );

  it(
    "supersedes queries in flight",
    marbles((m) => {
      const { second } = twoTabs(m, { first: { answerAfter: 4 } });
      m.expectObservable(second.lookup([BOB]), "^--").toBe("----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("-------(b|)", { b: ["bob B1 current"] });
      second.expectQueries("0-4 bob", "3-7 bob");
    }),
  );

  it(
    "is shown by watchers",
    marbles((m) => {
      const { second } = twoTabs(m);
      m.expectObservable(second.watch([CAROL]), "^ 9ms !").toBe("a-b", {
        a: ["carol C1 current"],
        b: ["carol C1 untracked"],
      });
    }),
  );

  it(
    "is one transaction in all tabs together",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      const begun = () => first.store.begun.update + second.store.begun.update;
      let before = 0;
      m.acts("-b-a", { b: () => (before = begun()), a: () => expect(begun()).toBe(before + 1) });
    }),
  );

  it(
    "is not applied while the one before it is missing: both are read",
    marbles((m) => {
      const first = setUp(m, {
        tracked: [BOB, CAROL],
        devices: { [BOB]: ["B1"] },
        sync$: m.hot("-x-y", { x: changed(BOB), y: { next_batch: "s2", device_lists: { changed: [CAROL] } } }),
      });
      first.lookup([BOB]).subscribe();
      const { records } = first.store;
      let isLost = false;
      const losing = { ...records, commits$: records.commits$.pipe(filter(() => !isLost)) };
      const store = new ScriptedStore({ scheduler: m.scheduler, records: losing });
      const second = otherTab(m, first, { store });
      m.acts("l-f", {
        l: () => {
          isLost = true;
          store.takes = 3;
        },
        f: () => (isLost = false),
      });
      m.expectObservable(second.lookup([BOB]), "--^-").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(second.lookup([BOB]), "----^").toBe("--------------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(second.tracker.deviceChanges$).toBe("-----------x", {
        x: { changed: [BOB, CAROL], left: [] },
      });
      m.expectObservable(second.tracker.synced$).toBe("-----------x", {
        x: { next_batch: "s2", since: "s0", device_lists: { changed: [BOB, CAROL], left: [] } },
      });
    }),
  );
});

describe("a change that the application asks for in another tab", () => {
  it(
    "is followed, and not emitted on deviceChanges$, applied$ and synced$",
    marbles((m) => {
      const { first, second } = twoTabs(m, { first: { sync$: m.hot("-") } });
      m.acts("-uit", {
        u: () => first.tracker.untrack([CAROL]).subscribe(),
        i: () => first.tracker.invalidate([BOB]).subscribe(),
        t: () => first.tracker.track([CAROL]).subscribe(),
      });
      m.expectObservable(second.tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("32-3", { 2: 2, 3: 3 });
      m.expectObservable(second.lookup([BOB]), "^--").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(second.known([BOB]), " ---^").toBe("---(b|)", { b: ["bob B1 outdated"] });
      for (const stream$ of [second.tracker.applied$, second.tracker.synced$]) m.expectObservable(stream$).toBe("-");
      m.expectObservable(second.tracker.deviceChanges$).toBe("-");
    }),
  );
});
