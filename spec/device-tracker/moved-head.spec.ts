import { concat, NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

const step = (since: string, next: string, lists: SyncResponse["device_lists"] = {}): SyncResponse => ({
  since,
  next_batch: next,
  device_lists: lists,
});

/** Two tabs that both commit. What the first one commits is announced to the second one 9 ms later: until then its head has moved. */
function twoTabs(m: Marbles, theirs: SetUp, ours: SetUp) {
  const devices = { [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] };
  const first = setUp(m, { tracked: [BOB, CAROL], devices, ...theirs });
  first.lookup([BOB, CAROL]).subscribe();
  const { scheduler } = m;
  const store = new ScriptedStore({ scheduler, records: first.store.records, announceAfter: 9 });
  const second = otherTab(m, first, { store, ...ours });
  second.lookup([BOB, CAROL]).subscribe();
  return { first, second };
}

describe("a commit on a head that has moved", () => {
  it(
    "of a step that begins at the token there is committed after it",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s1", { changed: [BOB] }) }) };
      const ours = { sync$: m.hot("--y", { y: step("s1", "s2", { changed: [CAROL] }) }), gaps: "distrust" as const };
      const { second } = twoTabs(m, theirs, ours);
      m.expectObservable(second.synced$).toBe("--(xy)", { x: "s1", y: "s2" });
      m.expectObservable(second.known([BOB, CAROL]), "---^").toBe("---(x|)", {
        x: ["bob B1 outdated", "carol C1 outdated"],
      });
      m.expectObservable(second.store.syncToken$, "---^").toBe("---(t|)", { t: "s2" });
      m.afterwards(() => {
        expect(second.problems).toEqual([]);
      });
    }),
  );

  it(
    "of a step from a stream that is behind outdates its users, and leaves the token",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s7") }) };
      const ours = { sync$: m.hot("--y", { y: step("s0", "s2", { changed: [BOB], left: [CAROL] }) }) };
      const { first, second } = twoTabs(m, theirs, ours);
      for (const { known } of [first, second])
        m.expectObservable(known([BOB, CAROL]), "---^").toBe("---(x|)", {
          x: ["bob B1 outdated", "carol C1 outdated"],
        });
      m.expectObservable(second.tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE, BOB, CAROL]) });
      m.expectObservable(second.store.syncToken$, "---^").toBe("---(t|)", { t: "s7" });
    }),
  );

  it(
    "supersedes queries of users who changed there: the next lookup sends another",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s1", { changed: [BOB] }) }), answerAfter: 0 };
      const { first, second } = twoTabs(m, theirs, {});
      m.acts("a", { a: () => (first.homeserver.answerAfter = 5) });
      m.acts("--t", { t: () => second.tracker.track([DAVE]).subscribe() });
      m.expectObservable(second.lookup([BOB, CAROL], { forceDownload: true }), "-^").toBe("------(x|)", {
        x: ["bob B1 superseded", "carol C1 current"],
      });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("--------(x|)", { x: ["bob B1 current"] });
      second.expectQueries("1-6 bob carol", "3-8 bob");
    }),
  );

  it(
    "of track() is committed after it",
    marbles((m) => {
      const { first, second } = twoTabs(m, { sync$: m.hot("-x", { x: step("s0", "s1") }) }, {});
      m.expectObservable(second.tracker.track([DAVE]), "--^").toBe("--|");
      const next = restarted(m, first, { connected: false });
      m.expectObservable(next.tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE, BOB, CAROL, DAVE]) });
    }),
  );

  it(
    "of track() leaves out users who left there",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s1", { left: [CAROL, DAVE] }) }) };
      const { first, second } = twoTabs(m, theirs, {});
      m.expectObservable(second.tracker.track([CAROL, DAVE]), "--^").toBe("--|");
      for (const { tracker } of [first, second])
        m.expectObservable(tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE, BOB]) });
    }),
  );

  it(
    "of track() leaves out users that a failed gap untracked there",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s5", "s6") }), gaps: "distrust" as const };
      const { first, second } = twoTabs(m, theirs, {});
      m.expectObservable(second.tracker.track([CAROL, DAVE]), "--^").toBe("--|");
      for (const { tracker } of [first, second])
        m.expectObservable(tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE]) });
    }),
  );

  it(
    "of track() applies if its caller knew of the departure",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s1", { left: [CAROL] }) }) };
      const { first, second } = twoTabs(m, theirs, {});
      m.expectObservable(second.tracker.track([CAROL]), "-----------^").toBe("-----------|");
      m.expectObservable(first.tracker.trackedUsers$, "------------^").toBe("------------u", {
        u: new Set([ALICE, BOB, CAROL]),
      });
    }),
  );

  it(
    "of invalidate() outdates users who are still tracked",
    marbles((m) => {
      const theirs = { sync$: m.hot("-x", { x: step("s0", "s1", { left: [CAROL] }) }) };
      const { first, second } = twoTabs(m, theirs, {});
      m.expectObservable(second.tracker.invalidate([BOB, CAROL]), "--^").toBe("--|");
      for (const { known } of [first, second])
        m.expectObservable(known([BOB, CAROL]), "---^").toBe("---(x|)", { x: ["bob B1 outdated"] });
    }),
  );
});

describe("a list kept in memory under a number that was not committed", () => {
  it(
    "is not current when that number is another tab's commit",
    marbles((m) => {
      const theirs = { sync$: m.hot("----x", { x: step("s0", "s1", { changed: [BOB] }) }) };
      const { first, second } = twoTabs(m, theirs, {});
      // Its invalidate() and the list fetched after it stay in memory, while the other tab commits under the same number.
      m.acts("-f", {
        f: () => {
          second.store.failNext("the disk is full", "update");
          second.tracker.invalidate([BOB]).subscribe();
        },
      });
      m.expectObservable(second.lookup([BOB]), "--^").toBe("--(b|)", { b: ["bob B1 current"] });
      m.acts("---a", { a: () => first.homeserver.addDevice(BOB, "B2") });
      m.expectObservable(second.lookup([BOB]), "1100ms ^").toBe("1100ms (b|)", { b: ["bob B1,B2 current"] });
      second.expectQueries("2-2 bob", "1100-1100 bob");
    }),
  );
});

describe("a change that is not committed yet", () => {
  it(
    "is not answered by a list that another tab has saved under its number",
    marbles((m) => {
      const ours = { sync$: m.hot("--y", { y: step("s0", "s1", { changed: [BOB] }) }), maxListsInMemory: 1 };
      const { first, second } = twoTabs(m, { sync$: m.hot("-") }, ours);
      second.store.loseAnnouncements();
      m.acts("-id", {
        i: () => {
          first.tracker.invalidate([BOB]).subscribe();
          first.lookup([BOB]).subscribe(); // the list of the next number, which the second tab takes for its own change
          second.store.failNext("full", "update");
        },
        d: () => first.homeserver.addDevice(BOB, "B2"),
      });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("---(b|)", { b: ["bob B1,B2 current"] });
      m.expectObservable(second.lookup([CAROL]), "----^").toBe("----(c|)", { c: ["carol C1 current"] });
      m.expectObservable(second.lookup([BOB]), "-----^").toBe("-----(b|)", { b: ["bob B1,B2 current"] });
    }),
  );
});

describe("the first response of a page, given before it had read what another tab committed", () => {
  it.each<[string, SyncResponse]>([
    ["an idle one", step("s0", "s0")],
    ["one of an earlier poll", step("r9", "s0", { changed: [CAROL] })],
  ])("is of the past, not a gap: %s", (_, response) => {
    marbles((m) => {
      const sync$ = concat(of(step("s0", "s1", { changed: [BOB] })), NEVER);
      const first = setUp(m, { tracked: [BOB, CAROL], sync$ });
      const second = restarted(m, first, { sync$: m.hot("-r", { r: response }), gaps: "distrust" });
      m.expectObservable(second.tracker.applied$).toBe("-r", { r: response });
      m.expectObservable(second.tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, BOB, CAROL]) });
      m.expectObservable(second.store.syncToken$, "--^").toBe("--(t|)", { t: "s1" });
      m.afterwards(() => {
        expect(second.problems).toEqual([]);
      });
    })();
  });
});
