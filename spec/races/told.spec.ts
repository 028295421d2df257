import { map, of } from "rxjs";
import { describe, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles } from "../support/marbles.js";
import { updateLine } from "../support/shields.js";
import { listOf, signed } from "../support/signed.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB } from "../support/users.js";

const B1 = listOf(BOB, signed(BOB, "B1"));

describe("the first list of a user", () => {
  it(
    "is told with the next answer where its save was given up and took effect all the same",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        store,
        verifier: new ScriptedVerifier({ scheduler: m.scheduler }),
        storeDeadline: 3,
        tracking: [BOB],
        answers: [of(B1), of(B1)],
      });
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
