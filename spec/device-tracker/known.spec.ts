import { of } from "rxjs";
import { describe, it } from "vitest";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed, left } from "../support/wire.js";

const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });

describe("getKnownDeviceKeys", () => {
  it(
    "asks nobody: users never fetched are absent",
    marbles((m) => {
      const { known, asked$ } = trackerIn(m, { tracking: [BOB] });
      m.expectObservable(known([BOB, CAROL])).toBe("(x|)", { x: [] });
      m.expectObservable(asked$).toBe("-");
    }),
  );

  it(
    "gives what is saved, in the order asked, current where no change came since",
    marbles((m) => {
      const { known, lookup } = trackerIn(m, {
        tracking: [BOB, CAROL],
        sync$: m.hot("-x-", { x: changed(BOB) }),
        answers: [of(both)],
      });
      lookup([BOB, CAROL]).subscribe();
      m.expectObservable(known([CAROL, BOB]), "^---").toBe("(x|)", { x: ["carol C1 current", "bob B1 current"] });
      m.expectObservable(known([CAROL, BOB]), "--^-").toBe("--(x|)", { x: ["carol C1 current", "bob B1 outdated"] });
    }),
  );

  it(
    "gives the same after a restart",
    marbles((m) => {
      const store = memoryStore();
      const { lookup } = trackerIn(m, {
        store,
        tracking: [BOB, CAROL],
        sync$: m.hot("-x-", { x: changed(BOB) }),
        answers: [of(both)],
      });
      lookup([BOB, CAROL]).subscribe();
      const restarted = trackerIn(m, { store });
      m.expectObservable(restarted.known([CAROL, BOB]), "--^-").toBe("--(x|)", {
        x: ["carol C1 current", "bob B1 outdated"],
      });
      m.expectObservable(restarted.asked$).toBe("----");
    }),
  );

  it(
    "does not know a user who left any more",
    marbles((m) => {
      const { known, lookup } = trackerIn(m, {
        tracking: [BOB, CAROL],
        sync$: m.hot("-x-", { x: left(BOB) }),
        answers: [of(both)],
      });
      lookup([BOB, CAROL]).subscribe();
      m.expectObservable(known([CAROL, BOB]), "--^-").toBe("--(x|)", { x: ["carol C1 current"] });
    }),
  );

  it(
    "does not know what was not cached: superseded and untracked answers",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(BOB) });
      const { known, lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [m.cold("---(x|)", { x: both })] });
      lookup([BOB, CAROL]).subscribe();
      m.expectObservable(known([CAROL, BOB]), "-----^-").toBe("-----(x|)", { x: [] });
    }),
  );

  it(
    "still has the last list of a user who cannot be reached",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: changed(EVE) });
      const { known, lookup } = trackerIn(m, {
        tracking: [EVE],
        sync$,
        answers: [of(answer({ [EVE]: ["E1"] })), of(answer({}, ["down.example"]))],
      });
      m.expectObservable(lookup([EVE]), "^----").toBe("(e|)", { e: ["eve E1 current"] });
      m.expectObservable(lookup([EVE]), "--^--").toBe("--(e|)", { e: ["eve - unreachable (last known E1)"] });
      m.expectObservable(known([EVE]), " ---^-").toBe("---(e|)", { e: ["eve E1 outdated"] });
    }),
  );
});
