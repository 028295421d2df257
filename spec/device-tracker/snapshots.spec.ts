import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { otherTab, restarted, setUp, type UnderTest } from "../support/set-up.js";
import { curveName, keyOf, signed } from "../support/signed.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

/** Bob's list is fetched; Carol's too, and she has changed since; Dave is tracked. Then so many steps were committed, in all of which Dave changed. */
function afterSteps(m: Marbles, count: number, before: (under: ReturnType<typeof setUp>) => void = () => {}) {
  const sync$ = new Subject<SyncResponse>();
  const under = setUp(m, {
    tracked: [BOB, CAROL, DAVE],
    devices: { [CAROL]: ["C1"], [DAVE]: ["D1"] },
    sync$,
    verifier: new ScriptedVerifier({ scheduler: m.scheduler }),
  });
  under.homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
  under.lookup([BOB, CAROL]).subscribe();
  under.tracker.invalidate([CAROL]).subscribe();
  before(under);
  for (let i = 0; i < count; i++)
    sync$.next({ since: `s${i}`, next_batch: `s${i + 1}`, device_lists: { changed: [DAVE] } });
  return under;
}

describe("the log", () => {
  it(
    "grows by a record for each step, and is truncated with the second snapshot",
    marbles((m) => {
      const length = (steps: number) => savedIds(afterSteps(m, steps).store.records, "log").length;
      expect(length(200)).toBe(length(100) + 100);
      expect(length(400)).toBe(length(100) + 300);
      for (const steps of [600, 1_000, 1_400]) expect(length(steps)).toBeLessThanOrEqual(500);
    }),
  );

  it(
    "is folded into a snapshot that says what it said",
    marbles((m) => {
      const first = afterSteps(m, 600);
      const { tracker, known, lookup, problems, expectQueries } = restarted(m, first, { connected: false });
      m.expectObservable(known([BOB, CAROL, DAVE])).toBe("(x|)", { x: ["bob B1 current", "carol C1 outdated"] });
      m.expectObservable(tracker.trackedUsers$).toBe("u", {
        u: new Set([ALICE, BOB, CAROL, DAVE]),
      });
      m.expectObservable(first.store.syncToken$).toBe("(t|)", { t: "s600" });
      m.expectObservable(lookup([BOB, CAROL, DAVE])).toBe("(x|)", {
        x: ["bob B1 current", "carol C1 current", "dave D1 current"],
      });
      expectQueries("0-0 carol dave");
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "takes the index along: findDevice finds what was saved before the snapshot",
    marbles((m) => {
      const first = afterSteps(m, 600);
      const { tracker } = restarted(m, first, { connected: false });
      const key = keyOf(curveName(BOB, "B1"));
      for (const find$ of [first.tracker.findDevice("curve25519", key), tracker.findDevice("curve25519", key)])
        m.expectObservable(find$).toBe("(f|)", { f: [{ userId: BOB, deviceId: "B1" }] });
      expect(savedIds(first.store.records, "index")).toEqual(["s0"]);
    }),
  );
});

describe("a tab that has missed more than the log goes back", () => {
  it(
    "reads the whole state, and emits what changed as one step",
    marbles((m) => {
      let late: ReturnType<typeof setUp> | undefined;
      afterSteps(m, 600, (first) => {
        late = otherTab(m, first);
        late.lookup([]).subscribe();
        late.store.loseAnnouncements();
        first.tracker.untrack([CAROL]).subscribe();
      });
      if (late === undefined) throw new Error("unreachable");
      const { tracker, store, lookup, known, expectQueries } = late;
      m.acts("-w", { w: () => store.wake() });
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [DAVE], left: [CAROL] } });
      m.expectObservable(tracker.synced$).toBe("-x", {
        x: { since: "s0", next_batch: "s600", device_lists: { changed: [DAVE], left: [CAROL] } },
      });
      m.expectObservable(known([BOB, CAROL]), "--^").toBe("--(x|)", { x: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL, DAVE]), "--^").toBe("--(x|)", {
        x: ["bob B1 current", "carol C1 untracked", "dave D1 current"],
      });
      expectQueries("2-2 carol dave");
    }),
  );

  /** The second tab is frozen while the first one commits that Carol has left, and so much more that the log is truncated. */
  function frozenTab(m: Marbles, beforeFreezing: (late: UnderTest) => void = () => {}) {
    const sync$ = new Subject<SyncResponse>();
    const first = setUp(m, { tracked: [BOB], sync$ });
    const late = otherTab(m, first);
    late.lookup([]).subscribe();
    late.store.loseAnnouncements();
    beforeFreezing(late);
    for (let i = 0; i < 600; i++) {
      const left = i === 0 ? [CAROL] : [];
      sync$.next({ since: `s${i}`, next_batch: `s${i + 1}`, device_lists: { changed: [BOB], left } });
    }
    m.acts("-w", { w: () => late.store.wake() });
    return late;
  }

  it(
    "tracks no users of a track() that was pending, since they may have left, and reports it",
    marbles((m) => {
      const { tracker, problems } = frozenTab(m, ({ store, tracker: late }) => {
        store.failNext("the disk is full", "update");
        m.expectObservable(late.track([BOB, CAROL, DAVE])).toBe("-|");
      });
      m.expectObservable(tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, BOB]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "commit-failed" }, { type: "gap", caughtUp: false, to: "s600" }]);
        expect(problems.at(-1)?.message).toContain("2 user(s) may have left");
      });
    }),
  );

  it(
    "tracks no users of a track() that was made while it read, and reports it",
    marbles((m) => {
      const { tracker, store, problems } = frozenTab(m);
      store.takes = 1;
      m.expectObservable(tracker.track([BOB, CAROL]), "--^").toBe("----|");
      m.expectObservable(tracker.trackedUsers$, "-----^").toBe("-----u", { u: new Set([ALICE, BOB]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", caughtUp: false, to: "s600" }]);
        expect(problems.at(-1)?.message).toContain("1 user(s) may have left");
      });
    }),
  );
});
