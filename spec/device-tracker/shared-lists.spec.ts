import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp } from "../support/set-up.js";
import { updateLine } from "../support/shields.js";
import { curveName, keyOf, signed } from "../support/signed.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

/** Two tabs; Bob and Carol are tracked and have a device each. */
function twoTabs(m: Marbles, { announceAfter = 0, answerAfter = 0 } = {}) {
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  const first = setUp(m, { tracked: [BOB, CAROL], answerAfter, verifier });
  first.homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
  first.homeserver.addDevice(CAROL, "C1", signed(CAROL, "C1"));
  const { scheduler } = m;
  const store = new ScriptedStore({ scheduler, records: first.store.records, announceAfter });
  const second = otherTab(m, first, { store, verifier });
  return { first, second, homeserver: first.homeserver };
}

const bob = { b: ["bob B1 current"] };

describe("a list that another tab has fetched", () => {
  it(
    "is not fetched again: it is read once, and kept in memory",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      m.expectObservable(first.lookup([BOB]), " ^---").toBe("(b|)", bob);
      m.expectObservable(second.lookup([BOB]), "-^--").toBe("-(b|)", bob);
      let reads = 0;
      m.acts("--r", { r: () => (reads = second.store.begun.read) });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("---(b|)", bob);
      second.expectQueries();
      m.afterwards(() => {
        expect(second.store.begun.read).toBe(reads);
      });
    }),
  );

  it(
    "is left out of the request for other users",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      m.expectObservable(first.lookup([BOB]), "^-").toBe("(b|)", bob);
      m.expectObservable(second.lookup([DAVE, BOB, CAROL]), "-^").toBe("-(x|)", {
        x: ["dave - untracked", "bob B1 current", "carol C1 current"],
      });
      second.expectQueries("1-1 dave carol");
    }),
  );

  it(
    "is fetched again with forceDownload, which reaches the other tab as well",
    marbles((m) => {
      const { first, second, homeserver } = twoTabs(m);
      m.expectObservable(first.lookup([BOB]), "^").toBe("(b|)", bob);
      m.acts("-a", { a: () => homeserver.addDevice(BOB, "B2", signed(BOB, "B2")) });
      const now = { b: ["bob B1,B2 current"] };
      m.expectObservable(second.lookup([BOB], { forceDownload: true }), "--^").toBe("--(b|)", now);
      m.expectObservable(first.lookup([BOB]), "---^").toBe("---(b|)", now);
      first.expectQueries("0-0 bob");
      second.expectQueries("2-2 bob");
    }),
  );

  it(
    "is taken instead of this tab's answer for the same revision, which comes later",
    marbles((m) => {
      const { first, second, homeserver } = twoTabs(m, { answerAfter: 4, announceAfter: 9 });
      m.expectObservable(first.lookup([BOB])).toBe("----(b|)", bob);
      m.acts("-a", { a: () => homeserver.addDevice(BOB, "B2", signed(BOB, "B2")) });
      m.expectObservable(second.lookup([BOB]), "--^").toBe("------(b|)", bob);
      m.expectObservable(second.lookup([BOB]), "-------^").toBe("-------(b|)", bob);
      second.expectQueries("2-6 bob");
    }),
  );

  it(
    "is shown by watchers, which send no query",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      m.expectObservable(first.lookup([BOB]), "^").toBe("(b|)", bob);
      m.expectObservable(second.watch([BOB]), "-^ 9ms !").toBe("-b", bob);
      second.expectQueries();
    }),
  );

  it(
    "is shown by watchers that show an older one",
    marbles((m) => {
      const { first, second, homeserver } = twoTabs(m);
      m.expectObservable(second.watch([BOB]), "^ 9ms !").toBe("a--b", { a: bob.b, b: ["bob B1,B2 current"] });
      m.acts("--a", { a: () => homeserver.addDevice(BOB, "B2", signed(BOB, "B2")) });
      m.expectObservable(first.lookup([BOB], { forceDownload: true }), "---^").toBe("---(b|)", {
        b: ["bob B1,B2 current"],
      });
      second.expectQueries("0-0 bob");
    }),
  );

  it(
    "is found by findDevice",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      const find$ = second.tracker.findDevice("curve25519", keyOf(curveName(BOB, "B1")));
      m.expectObservable(find$, "^-").toBe("(f|)", { f: [] });
      m.expectObservable(first.lookup([BOB]), "-^").toBe("-(b|)", bob);
      m.expectObservable(find$, "--^").toBe("--(f|)", { f: [{ userId: BOB, deviceId: "B1" }] });
    }),
  );
});

describe("deviceUpdates$", () => {
  it(
    "emits what a save changed once in each tab, whichever queried",
    marbles((m) => {
      const { first, second, homeserver } = twoTabs(m);
      for (const { tracker } of [first, second])
        m.expectObservable(tracker.deviceUpdates$.pipe(map(updateLine))).toBe("-a-b", {
          a: "bob added B1",
          b: "bob added B2",
        });
      m.expectObservable(first.lookup([BOB]), "-^").toBe("-(b|)", bob);
      m.acts("--a", { a: () => homeserver.addDevice(BOB, "B2", signed(BOB, "B2")) });
      m.expectObservable(second.lookup([BOB], { forceDownload: true }), "---^").toBe("---(b|)", {
        b: ["bob B1,B2 current"],
      });
    }),
  );
});
