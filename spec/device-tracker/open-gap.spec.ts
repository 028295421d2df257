import { map } from "rxjs";
import { describe, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { curveName, keyOf, signed } from "../support/signed.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

/** Bob and Carol are tracked, and Bob's list is fetched. From 1 to 6 a gap is open, in which Bob has changed. */
function withOpenGap(m: Marbles, options: SetUp = {}) {
  const under = setUp(m, {
    tracked: [BOB, CAROL],
    devices: { [CAROL]: ["C1"], [DAVE]: ["D1"] },
    sync$: m.hot("-x", { x: { since: "s5", next_batch: "s6" } }),
    changes: () => m.cold("-----(x|)", { x: { changed: [BOB] } }),
    verifier: new ScriptedVerifier({ scheduler: m.scheduler }),
    ...options,
  });
  under.homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
  under.lookup([BOB]).subscribe();
  return under;
}

describe("while a gap is open", () => {
  it(
    "lookups of cached users wait",
    marbles((m) => {
      const { lookup, expectQueries } = withOpenGap(m);
      m.expectObservable(lookup([BOB]), "--^").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-0 bob", "6-6 bob");
    }),
  );

  it(
    "a lookup that began before it is answered, and is not current",
    marbles((m) => {
      const { homeserver, lookup } = withOpenGap(m);
      homeserver.answerAfter = 3;
      m.expectObservable(lookup([BOB, CAROL])).toBe("---(x|)", { x: ["bob B1 superseded", "carol C1 superseded"] });
    }),
  );

  it(
    "getKnownDeviceKeys does not wait, and calls nothing current",
    marbles((m) => {
      const { known } = withOpenGap(m);
      m.expectObservable(known([BOB]), "--^").toBe("--(b|)", { b: ["bob B1 outdated"] });
    }),
  );

  it(
    "findDevice does not wait",
    marbles((m) => {
      const { tracker } = withOpenGap(m);
      const found$ = tracker.findDevice("curve25519", keyOf(curveName(BOB, "B1")));
      m.expectObservable(found$, "--^").toBe("--(f|)", { f: [{ userId: BOB, deviceId: "B1" }] });
    }),
  );

  it(
    "watchers show nothing as current",
    marbles((m) => {
      const { homeserver, watch } = withOpenGap(m);
      m.acts("--s", { s: () => (homeserver.answerAfter = 2) });
      m.expectObservable(watch([BOB]), "^ 20ms !").toBe("bs------b", {
        b: ["bob B1 current"],
        s: ["bob B1 superseded"],
      });
    }),
  );

  it(
    "track(), untrack() and invalidate() wait, and keep their place among the steps",
    marbles((m) => {
      const sync$ = m.hot("-x-y", {
        x: { since: "s5", next_batch: "s6", device_lists: { left: [CAROL] } },
        y: { since: "s6", next_batch: "s7", device_lists: { left: [DAVE] } },
      });
      const { tracker } = withOpenGap(m, { sync$ });
      m.expectObservable(tracker.track([CAROL, DAVE]), "--^").toBe("------|");
      m.expectObservable(tracker.untrack([BOB]), "      ----^").toBe("------|");
      m.expectObservable(tracker.invalidate([CAROL]), " ----^").toBe("------|");
      const sizes$ = tracker.trackedUsers$.pipe(map((users) => [...users].map((id) => id.charAt(1)).join("")));
      // Carol left in the step, and was tracked after it; Dave was tracked, and left in the next step; then Bob was untracked.
      m.expectObservable(sizes$).toBe("a-----b", { a: "abc", b: "ac" });
    }),
  );

  it(
    "responses and the end of the stream wait",
    marbles((m) => {
      const sync$ = m.cold("-xy|", {
        x: { since: "s5", next_batch: "s6" },
        y: { since: "s6", next_batch: "s7" },
      });
      const { synced$, problems$ } = withOpenGap(m, { sync$ });
      m.expectObservable(synced$).toBe("------(xy|)", { x: "s6", y: "s7" });
      m.expectObservable(problems$).toBe("------(ge)", { g: "gap", e: "sync-ended" });
    }),
  );
});
