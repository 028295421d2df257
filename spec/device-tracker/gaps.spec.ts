import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { changed } from "../support/wire.js";

/** The steps from s0 to s5 are missing. */
const afterGap: SyncResponse = { since: "s5", next_batch: "s6" };

/** Bob and Carol are tracked and fetched. At 1 there is a gap; the server names who changed in it after `duration` ms. */
function withGap(m: Marbles, duration: number, options: SetUp = {}) {
  const missed$ = m.cold(`${"-".repeat(duration)}(x|)`, { x: { changed: [BOB], left: [CAROL] } });
  const asked: string[] = [];
  const under = setUp(m, {
    tracked: [BOB, CAROL, DAVE],
    devices: { [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] },
    sync$: m.hot("-x", { x: afterGap }),
    changes: ({ from, to }) => {
      asked.push(`${from} to ${to} at ${m.scheduler.now()}`);
      return missed$;
    },
    ...options,
  });
  under.lookup([BOB, CAROL, DAVE]).subscribe();
  return { ...under, asked };
}

describe("a gap before a step", () => {
  it(
    "is closed by the server's list of who changed in it",
    marbles((m) => {
      const { tracker, lookup, asked, problems } = withGap(m, 2);
      m.expectObservable(tracker.deviceChanges$).toBe("---x", { x: { changed: [BOB], left: [CAROL] } });
      m.expectObservable(tracker.trackedUsers$).toBe("a--b", {
        a: new Set([ALICE, BOB, CAROL, DAVE]),
        b: new Set([ALICE, BOB, DAVE]),
      });
      m.expectObservable(lookup([BOB, CAROL, DAVE]), "----^").toBe("----(x|)", {
        x: ["bob B1 current", "carol C1 untracked", "dave D1 current"],
      });
      m.afterwards(() => {
        expect(asked).toEqual(["s0 to s5 at 1"]);
        expect(problems).toMatchObject([{ type: "gap", from: "s0", to: "s5", caughtUp: true }]);
      });
    }),
  );

  it(
    "is closed before the step, and before steps that arrive in the meantime",
    marbles((m) => {
      const sync$ = m.hot("-xy", {
        x: { ...afterGap, device_lists: { changed: [CAROL] } },
        y: { since: "s6", next_batch: "s7", device_lists: { changed: [DAVE] } },
      });
      const { tracker, synced$ } = withGap(m, 2, { sync$ });
      const names$ = tracker.deviceChanges$.pipe(map((changes) => changes.changed));
      m.expectObservable(names$).toBe("---(abc)", { a: [BOB], b: [CAROL], c: [DAVE] });
      m.expectObservable(synced$).toBe("---(xy)", { x: "s6", y: "s7" });
      m.expectObservable(tracker.trackedUsers$, "----^").toBe("----u", { u: new Set([ALICE, BOB, DAVE, CAROL]) });
    }),
  );

  it(
    "is assumed at the first response of a connection that does not say its since",
    marbles((m) => {
      const first = setUp(m);
      const sync$ = m.hot("-x-y", { x: { next_batch: "s4" }, y: { next_batch: "s5" } });
      const { problems } = restarted(m, first, { sync$, changes: () => m.cold("(x|)", { x: { changed: [] } }) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s0", to: "s4", caughtUp: true }]);
      });
    }),
  );

  it(
    "is not assumed at an account's first response",
    marbles((m) => {
      const { problems, synced$, tracker } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }), connected: false });
      tracker.connect();
      m.expectObservable(synced$).toBe("-x", { x: "s1" });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "is closed without the server if another tab has committed the steps",
    marbles((m) => {
      const first = setUp(m, { sync$: m.hot("-x", { x: { since: "s0", next_batch: "s5" } }) });
      const second = otherTab(m, first, { sync$: m.hot("--x", { x: afterGap }), changes: () => m.cold("#") });
      second.store.loseAnnouncements();
      second.lookup([]).subscribe();
      m.expectObservable(second.synced$).toBe("--(ab)", { a: "s5", b: "s6" });
      m.afterwards(() => {
        expect(second.problems).toEqual([]);
      });
    }),
  );

  it(
    "is closed after what is queued has been committed",
    marbles((m) => {
      const { tracker, store, asked } = withGap(m, 0, { sync$: m.hot("--x", { x: afterGap }) });
      m.acts("-t", {
        t: () => {
          store.takes = 3;
          tracker.untrack([CAROL]).subscribe();
        },
      });
      m.afterwards(() => {
        expect(asked).toEqual(["s0 to s5 at 7"]); // committed at 4, and the head is read until 7
      });
    }),
  );

  it(
    "is closed from memory's token while the store fails",
    marbles((m) => {
      const sync$ = m.hot("-a-x", { a: { since: "s0", next_batch: "s2" }, x: afterGap });
      const { store, tracker, asked } = withGap(m, 0, { sync$ });
      for (let i = 0; i < 3; i++) store.failNext("the disk is full", "update");
      m.expectObservable(tracker.applied$.pipe(map(({ next_batch }) => next_batch))).toBe("-a-x", { a: "s2", x: "s6" });
      m.afterwards(() => {
        expect(asked).toEqual(["s2 to s5 at 3"]);
      });
    }),
  );
});
