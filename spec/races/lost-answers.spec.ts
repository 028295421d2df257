import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { updateLine } from "../support/shields.js";
import { listOf, signed } from "../support/signed.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB } from "../support/users.js";
import { answering } from "./account-in.js";

const B1 = listOf(BOB, signed(BOB, "B1"));

/** A tracker that waits 3 ms for its store. */
function impatient(m: Marbles, setUp: Parameters<typeof trackerIn>[1] = {}) {
  const store = new ScriptedStore({ scheduler: m.scheduler });
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  return { store, ...trackerIn(m, { store, verifier, storeDeadline: 3, tracking: [BOB], ...setUp }) };
}

describe("a save that took effect although its answer was lost", () => {
  it(
    "has what it changed reported with the next answer, a first list included",
    marbles((m) => {
      const { store, tracker } = impatient(m, { answers: [of(B1), of(B1)] });
      m.acts("-a 10ms -b", {
        a: () => {
          store.hangNext("update", true);
          tracker.getDeviceKeys([BOB]).subscribe();
        },
        b: () => tracker.getDeviceKeys([BOB], { forceDownload: true }).subscribe(),
      });
      m.expectObservable(tracker.deviceUpdates$.pipe(map(updateLine))).toBe("- 10ms --b", { b: "bob added B1" });
    }),
  );
});

describe("a commit that took effect although its answer was lost", () => {
  it(
    "is not made again: its step is synced, once",
    marbles((m) => {
      const sync$ = m.hot("x--y", { x: answering(null, "s1"), y: answering("s1", "s2", { changed: [BOB] }) });
      const { store, tracker, problems } = impatient(m, { sync$ });
      m.acts("--h", { h: () => store.hangNext("update", true) });
      const tokens$ = tracker.synced$.pipe(map(({ next_batch }) => next_batch));
      m.expectObservable(tokens$).toBe("x 1005ms y", { x: "s1", y: "s2" });
      const commits: unknown[] = [];
      store.records.commits$.subscribe((announcement) => commits.push(announcement));
      m.afterwards(() => {
        expect(problems.map(({ type }) => type)).toEqual(["commit-failed"]);
        expect(JSON.stringify(commits).match(/"s2"/gu)).toHaveLength(1);
      });
    }),
  );
});
