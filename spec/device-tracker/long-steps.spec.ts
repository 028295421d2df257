import { map, NEVER, switchMap, take } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_USERS_AT_ONCE, MAX_USERS_IN_TRANSACTION } from "../../src/model/batch-sizes.js";
import type { DeviceLists, SyncResponse } from "../../src/model/wire.js";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { slowClock } from "../support/slow-clock.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

const crowd = Array.from({ length: MAX_USERS_IN_TRANSACTION + MAX_USERS_AT_ONCE }, (_, i) => `@user${i}:a.example`);
/** Bob is in the sixth part, Carol leaves in the last one. */
const LONG: SyncResponse = {
  since: "s0",
  next_batch: "s1",
  device_lists: { changed: [...crowd.slice(0, -1), BOB], left: [CAROL] },
};
const parts = { a: MAX_USERS_AT_ONCE, b: 1 };

/** Bob, Carol and Dave are tracked and fetched; a long step arrives at 1. */
function withLongStep(m: Marbles, options: SetUp = {}) {
  const under = setUp(m, {
    tracked: [BOB, CAROL, DAVE],
    devices: { [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] },
    sync$: m.hot("-x", { x: LONG }),
    ...options,
  });
  under.lookup([BOB, CAROL, DAVE]).subscribe();
  return under;
}

describe("a step with long lists", () => {
  it(
    "is announced in parts; the set, and the response, are emitted once",
    marbles((m) => {
      const { tracker, synced$ } = withLongStep(m);
      const counts$ = tracker.deviceChanges$.pipe(map(({ changed, left }) => changed.length + left.length));
      m.expectObservable(counts$).toBe("-(aaaaaab)", parts);
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => users.size))).toBe("ab", {
        a: 4,
        b: 4 - 1 + crowd.length - 1,
      });
      m.expectObservable(tracker.applied$).toBe("-x", { x: LONG });
      m.expectObservable(synced$).toBe("-x", { x: "s1" });
    }),
  );

  it(
    "holds up lookups, so that none sees a part of it",
    marbles((m) => {
      const { tracker, lookup } = withLongStep(m);
      const seen: string[] = [];
      const first$ = tracker.deviceChanges$.pipe(take(1));
      tracker.deviceChanges$.subscribe(({ changed }) => seen.push(`announced ${changed.length}`));
      first$.pipe(switchMap(() => lookup([BOB, CAROL, DAVE]))).subscribe((lists) => seen.push(...lists));
      m.afterwards(() => {
        expect(seen).toEqual([
          `announced ${MAX_USERS_AT_ONCE}`,
          "bob B1 current",
          "carol C1 untracked",
          "dave D1 current",
          ...Array<string>(5).fill(`announced ${MAX_USERS_AT_ONCE}`),
          "announced 0",
        ]);
      });
    }),
  );

  it(
    "is applied before the response after it",
    marbles((m) => {
      const sync$ = m.hot("-(xy)", { x: LONG, y: { since: "s1", next_batch: "s2", device_lists: { left: [BOB] } } });
      const { tracker, synced$ } = withLongStep(m, { sync$ });
      m.expectObservable(synced$).toBe("-(xy)", { x: "s1", y: "s2" });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => users.has(BOB)))).toBe("a(ab)", {
        a: true,
        b: false,
      });
    }),
  );

  it(
    "moves the token with its last part, and takes a transaction for 5,000 users",
    marbles((m) => {
      const { store } = withLongStep(m);
      const { update } = store.begun;
      m.afterwards(() => {
        expect(store.begun.update - update).toBe(2);
        expect(saved(store.records, SYNC)).toMatchObject({ token: "s1" });
      });
    }),
  );

  it(
    "reaches other tabs in parts, and as one response",
    marbles((m) => {
      const first = withLongStep(m);
      const second = otherTab(m, first);
      const counts$ = second.tracker.deviceChanges$.pipe(map(({ changed, left }) => changed.length + left.length));
      m.expectObservable(counts$).toBe("-(ab)", { a: MAX_USERS_IN_TRANSACTION, b: MAX_USERS_AT_ONCE + 1 });
      m.expectObservable(second.synced$).toBe("-x", { x: "s1" });
      m.expectObservable(second.tracker.applied$).toBe("-x", { x: LONG });
      m.expectObservable(second.lookup([BOB, CAROL, DAVE]), "--^").toBe("--(x|)", {
        x: ["bob B1 current", "carol C1 untracked", "dave D1 current"],
      });
    }),
  );

  it(
    "has other tabs caught up after its last part",
    marbles((m) => {
      const former = withLongStep(m, { sync$: NEVER });
      former.tracker.close();
      const first = otherTab(m, former, { sync$: m.hot("-x", { x: LONG }) });
      const second = otherTab(m, first);
      const known$ = second.tracker.caughtUp$.pipe(switchMap(() => second.known([BOB, CAROL])));
      m.expectObservable(known$).toBe("-x", { x: ["bob B1 outdated"] });
    }),
  );

  it(
    "that a tab left unfinished is emitted before the next response",
    marbles((m) => {
      const first = withLongStep(m);
      const second = otherTab(m, first, { sync$: m.hot("9ms x", { x: LONG }) });
      m.acts("s---c", {
        s: () => (first.store.takes = 2),
        c: () => {
          first.store.crash();
          first.tracker.close();
        },
      });
      const part = {
        since: "s0",
        next_batch: "s0",
        device_lists: { changed: crowd.slice(0, MAX_USERS_IN_TRANSACTION), left: [] },
      };
      m.expectObservable(second.tracker.applied$).toBe("9ms (xy)", { x: part, y: LONG });
    }),
  );

  it(
    "is applied after a gap that cannot be closed",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { ...LONG, since: "s-1" } });
      const changes = () => m.cold<DeviceLists>("#");
      const { tracker } = withLongStep(m, { sync$, changes });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => users.size))).toBe("ab", {
        a: 4,
        b: 1 + crowd.length,
      });
    }),
  );

  it(
    "closes a gap in parts",
    marbles((m) => {
      const missed = { changed: crowd, left: [CAROL] };
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { tracker, synced$ } = withLongStep(m, { sync$, changes: () => m.cold("(x|)", { x: missed }) });
      const counts$ = tracker.deviceChanges$.pipe(map(({ changed, left }) => changed.length + left.length));
      m.expectObservable(counts$).toBe("-(aaaaaab)", parts);
      m.expectObservable(synced$).toBe("-x", { x: "s6" });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => users.has(ALICE) && users.has(CAROL)))).toBe(
        "a(b)",
        { a: true, b: false },
      );
    }),
  );

  it(
    "is not applied again if it has been",
    marbles((m) => {
      const sync$ = m.hot("-xx", { x: LONG });
      const { tracker } = withLongStep(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$.pipe(map(() => "x"))).toBe("-(xxxxxxx)");
      m.expectObservable(tracker.applied$.pipe(map(() => "x"))).toBe("-xx");
    }),
  );
});

describe("a call with many users", () => {
  it(
    "takes its place among the responses, and completes when all are durable",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: { since: "s0", next_batch: "s1", device_lists: { left: crowd.slice(1) } } });
      const { tracker, store } = setUp(m, { sync$ });
      store.takes = 1;
      const sizes$ = tracker.trackedUsers$.pipe(map((users) => users.size));
      m.expectObservable(sizes$).toBe("abc", { a: 1, b: 1 + crowd.length, c: 2 });
      m.expectObservable(tracker.track(crowd), "-^").toBe("---|");
      m.expectObservable(sizes$, "-----^").toBe("-----a", { a: 2 });
    }),
  );

  it(
    "is reported once if a failed gap undoes it",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { tracker, problems } = setUp(m, { sync$, changes: () => m.cold("---#") });
      m.acts("--t", { t: () => tracker.track(crowd).subscribe() });
      m.afterwards(() => {
        expect(problems.map(({ type }) => type)).toEqual(["gap"]);
      });
    }),
  );

  it(
    "is reported once if a failed gap of another tab undoes the rest of it",
    marbles((m) => {
      slowClock(m.scheduler);
      const first = setUp(m, { tracked: [BOB] });
      otherTab(m, first, {
        sync$: m.hot("-x", { x: { since: "s5", next_batch: "s6" } }),
        changes: () => m.cold<DeviceLists>("#"),
      });
      m.expectObservable(first.tracker.track(crowd), "-^").toBe("-|");
      m.expectObservable(first.tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE]) });
      m.afterwards(() => {
        expect(first.problems).toMatchObject([{ type: "gap", from: undefined, to: "s6", caughtUp: false }]);
      });
    }),
  );

  it(
    "does not track a user who leaves in another tab before it is their turn",
    marbles((m) => {
      slowClock(m.scheduler);
      const late = crowd.at(-1)!;
      const first = setUp(m, { tracked: [late] });
      const leaves = { since: "s0", next_batch: "s1", device_lists: { left: [late] } };
      const second = otherTab(m, first, { sync$: m.hot("-x", { x: leaves }) });
      m.acts("-t", { t: () => first.tracker.track([...crowd.slice(0, -1), late, BOB]).subscribe() });
      m.afterwards(() => {
        for (const { tracker } of [first, second]) {
          let users: ReadonlySet<string> = new Set();
          tracker.trackedUsers$.subscribe((tracked) => (users = tracked));
          expect([users.size, users.has(late)]).toEqual([crowd.length + 1, false]);
        }
      });
    }),
  );
});
