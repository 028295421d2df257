import { describe, expect, it } from "vitest";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

/** Bob is tracked and fetched. From 1 on, the next update of the store takes effect, but its answer never comes: it counts as failed after 5 ms. */
function losing(m: Marbles, options: SetUp = {}) {
  const under = setUp(m, {
    tracked: [BOB],
    devices: { [BOB]: ["B1"] },
    sync$: m.hot("-"),
    storeDeadline: 5,
    ...options,
  });
  under.lookup([BOB]).subscribe();
  m.acts("-h", { h: () => under.store.hangNext("update", true) });
  const head = () => (saved(under.store.records, SYNC) as { readonly head: number }).head;
  return { ...under, head };
}

const steps = (m: Marbles) =>
  m.hot("--x------y", {
    x: { since: "s0", next_batch: "s1", device_lists: { changed: [BOB] } },
    y: { since: "s1", next_batch: "s2", device_lists: { changed: [CAROL] } },
  });

describe("a commit that took effect though its answer was lost", () => {
  it(
    "is found at the retry, and not committed again",
    marbles((m) => {
      const { synced$, tracker, head, problems } = losing(m, { sync$: steps(m) });
      const before = head();
      m.expectObservable(synced$).toBe("1007ms (xy)", { x: "s1", y: "s2" });
      m.expectObservable(tracker.deviceChanges$).toBe("--x------y", {
        x: { changed: [BOB], left: [] },
        y: { changed: [CAROL], left: [] },
      });
      m.afterwards(() => {
        expect(head()).toBe(before + 2);
        expect(problems).toMatchObject([{ type: "commit-failed", retryIn: 1_000 }]);
      });
    }),
  );

  it(
    "does not make lists fetched in the meantime current under its number",
    marbles((m) => {
      const { lookup, expectQueries } = losing(m, { sync$: steps(m) });
      m.expectObservable(lookup([BOB]), "---^").toBe("-------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "1100ms ^").toBe("1100ms (b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "1101ms ^").toBe("1101ms (b|)", { b: ["bob B1 current"] });
      expectQueries("0-0 bob", "3-3 bob", "1100-1100 bob");
    }),
  );

  it(
    "is followed by other tabs at once",
    marbles((m) => {
      const first = losing(m, { sync$: steps(m) });
      const second = otherTab(m, first);
      m.expectObservable(second.tracker.deviceChanges$).toBe("--x 1004ms y", {
        x: { changed: [BOB], left: [] },
        y: { changed: [CAROL], left: [] },
      });
    }),
  );

  it(
    "counts for track(), which completes, and tracks the users once",
    marbles((m) => {
      const { tracker, head } = losing(m);
      const before = head();
      m.expectObservable(tracker.track([CAROL]), "--^").toBe("1007ms |");
      m.expectObservable(tracker.trackedUsers$).toBe("a-b", {
        a: new Set([ALICE, BOB]),
        b: new Set([ALICE, BOB, CAROL]),
      });
      m.afterwards(() => {
        expect(head()).toBe(before + 1);
      });
    }),
  );

  it(
    "counts for untrack(), which is not repeated after another tab's track()",
    marbles((m) => {
      const first = losing(m);
      const second = otherTab(m, first);
      m.expectObservable(first.tracker.untrack([BOB]), "--^").toBe("-------|");
      m.expectObservable(second.tracker.track([BOB]), "---^").toBe("---|");
      for (const { tracker } of [first, second])
        m.expectObservable(tracker.trackedUsers$, "1100ms ^").toBe("1100ms u", { u: new Set([ALICE, BOB]) });
    }),
  );
});

describe("a save that took effect though its answer was lost", () => {
  it(
    "is reported as failed, and the list is the saved one after a restart",
    marbles((m) => {
      const first = losing(m);
      first.homeserver.addDevice(BOB, "B2");
      m.expectObservable(first.lookup([BOB], { forceDownload: true }), "--^").toBe("-------(b|)", {
        b: ["bob B1,B2 current"],
      });
      m.expectObservable(first.problems$).toBe("-------s", { s: "save-failed" });
      const { known } = otherTab(m, first, { connected: false });
      m.expectObservable(known([BOB]), "--------^").toBe("--------(b|)", { b: ["bob B1,B2 current"] });
    }),
  );
});
