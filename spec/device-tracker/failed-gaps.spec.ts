import { NEVER, of, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, DAVE, EVE } from "../support/users.js";

/** Bob and Carol are tracked and fetched. At 1 there is a gap, which `changes` is to close. */
function withGap(m: Marbles, changes: () => Observable<DeviceLists>, options: SetUp = {}) {
  const devices = { [ALICE]: ["A1"], [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] };
  const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6", device_lists: { changed: [DAVE] } } });
  const under = setUp(m, { tracked: [BOB, CAROL], devices, sync$, changes, ...options });
  under.lookup([ALICE, BOB, CAROL]).subscribe();
  return under;
}

const refused = new Error("unknown endpoint");
const failing = () => throwError(() => refused);

describe("a gap that cannot be closed", () => {
  it(
    "untracks all users but our own, who is outdated; then the step is applied",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = withGap(m, failing);
      m.expectObservable(tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, DAVE]) });
      m.expectObservable(lookup([ALICE, BOB, CAROL, DAVE]), "--^").toBe("--(x|)", {
        x: ["alice A1 current", "bob B1 untracked", "carol C1 untracked", "dave D1 current"],
      });
      expectQueries("0-0 alice bob carol", "2-2 alice bob carol dave");
    }),
  );

  it(
    "is announced on deviceChanges$ and reported",
    marbles((m) => {
      const { tracker, problems } = withGap(m, failing);
      m.expectObservable(tracker.deviceChanges$).toBe("-(ab)", {
        a: { changed: [ALICE], left: [BOB, CAROL] },
        b: { changed: [DAVE], left: [] },
      });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s0", to: "s5", caughtUp: false, error: refused }]);
      });
    }),
  );

  it(
    "untracks them in the store and in other tabs as well",
    marbles((m) => {
      const first = withGap(m, failing);
      const second = otherTab(m, first);
      m.expectObservable(second.tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, DAVE]) });
      const next = restarted(m, first, { connected: false });
      m.expectObservable(next.tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE, DAVE]) });
    }),
  );

  it(
    "is reported by a tab that had not heard of it, if it drops a track() of that tab",
    marbles((m) => {
      const first = withGap(m, failing);
      const second = otherTab(m, first);
      second.store.loseAnnouncements();
      m.expectObservable(second.tracker.track([EVE]), "--^").toBe("--|");
      m.expectObservable(second.tracker.trackedUsers$, "---^").toBe("---u", { u: new Set([ALICE, DAVE]) });
      m.afterwards(() => {
        expect(second.problems).toMatchObject([{ type: "gap", from: undefined, to: "s6", caughtUp: false }]);
      });
    }),
  );

  it(
    "supersedes queries in flight",
    marbles((m) => {
      const { homeserver, lookup } = withGap(m, failing);
      homeserver.answerAfter = 3;
      m.expectObservable(lookup([BOB], { forceDownload: true })).toBe("---(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "keeps users tracked that the application tracks while it is open",
    marbles((m) => {
      const { tracker, lookup } = withGap(m, () => m.cold("----#"));
      m.expectObservable(tracker.track([BOB]), "--^").toBe("-----|");
      m.expectObservable(lookup([BOB, CAROL]), "---^").toBe("-----(x|)", {
        x: ["bob B1 current", "carol C1 untracked"],
      });
    }),
  );

  it.each<[string, () => Observable<unknown>]>([
    ["an error", failing],
    [
      "a port that throws",
      () => {
        throw new Error("not connected");
      },
    ],
    ["a response that is not an object", () => of("<html>")],
    ["lists that are not arrays", () => of({ changed: "all" })],
  ])("is one for which the server returns %s", (_, changes) => {
    marbles((m) => {
      const { tracker, problems$ } = withGap(m, changes as () => Observable<DeviceLists>);
      m.expectObservable(tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, DAVE]) });
      m.expectObservable(problems$).toBe("-p", { p: "gap" });
    })();
  });

  it(
    "is one that the server does not answer within queryDeadline",
    marbles((m) => {
      const { tracker, problems$ } = withGap(m, () => NEVER, { queryDeadline: 9 });
      m.expectObservable(tracker.trackedUsers$, "-----------^").toBe("-----------u", { u: new Set([ALICE, DAVE]) });
      m.expectObservable(problems$).toBe("----------p", { p: "gap" });
    }),
  );

  it(
    "is one before an account's first token",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { tracker, problems } = setUp(m, { sync$, connected: false, tracked: [BOB] });
      tracker.connect();
      m.expectObservable(tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: undefined, to: "s5", caughtUp: false }]);
      });
    }),
  );
});

describe('with gaps: "distrust"', () => {
  it(
    "every gap is one that cannot be closed: the server is not asked",
    marbles((m) => {
      const changes$ = m.cold<DeviceLists>("(x|)", { x: { changed: [] } });
      const { tracker, problems } = withGap(m, () => changes$, { gaps: "distrust" });
      m.expectObservable(tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, DAVE]) });
      m.expectSubscriptions(changes$.subscriptions).toBe([]);
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s0", to: "s5", caughtUp: false }]);
        expect(problems[0]).not.toHaveProperty("error");
      });
    }),
  );

  it(
    "steps that another tab has committed are not a gap",
    marbles((m) => {
      const first = withGap(m, failing, { sync$: m.hot("-x", { x: { since: "s0", next_batch: "s5" } }) });
      const sync$ = m.hot("--x", { x: { since: "s5", next_batch: "s6" } });
      const second = otherTab(m, first, { sync$, gaps: "distrust" });
      second.store.loseAnnouncements();
      m.expectObservable(second.tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB, CAROL]) });
      m.afterwards(() => {
        expect(second.problems).toEqual([]);
      });
    }),
  );
});
