import { describe, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { restarted, setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { changed, left } from "../support/wire.js";

/** The lists of Bob and Carol are fetched. */
function fetched(m: Marbles, options: SetUp = {}) {
  const devices = { [BOB]: ["B1"], [CAROL]: ["C1"] };
  const under = setUp(m, { tracked: [BOB, CAROL], devices, ...options });
  under.lookup([BOB, CAROL]).subscribe();
  return under;
}

describe("getKnownDeviceKeys", () => {
  it(
    "sends no query: users who were never fetched are absent",
    marbles((m) => {
      const { known, expectQueries } = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] } });
      m.expectObservable(known([BOB, CAROL])).toBe("(x|)", { x: [] });
      expectQueries();
    }),
  );

  it(
    "returns the last lists in the order of the call, outdated after a change",
    marbles((m) => {
      const { known } = fetched(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      m.expectObservable(known([CAROL, BOB]), "^-").toBe("(x|)", { x: ["carol C1 current", "bob B1 current"] });
      m.expectObservable(known([CAROL, BOB]), "--^").toBe("--(x|)", { x: ["carol C1 current", "bob B1 outdated"] });
    }),
  );

  it(
    "returns the same after a restart",
    marbles((m) => {
      const first = fetched(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      const { known, expectQueries } = restarted(m, first, { connected: false });
      m.expectObservable(known([CAROL, BOB]), "--^").toBe("--(x|)", { x: ["carol C1 current", "bob B1 outdated"] });
      expectQueries();
    }),
  );

  it(
    "leaves out users who left",
    marbles((m) => {
      const { known } = fetched(m, { sync$: m.hot("-x", { x: left(BOB) }) });
      m.expectObservable(known([CAROL, BOB]), "--^").toBe("--(x|)", { x: ["carol C1 current"] });
    }),
  );

  it(
    "leaves out answers that were not cached: superseded and untracked ones",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { known, lookup } = setUp(m, {
        tracked: [BOB],
        devices: { [BOB]: ["B1"], [CAROL]: ["C1"] },
        answerAfter: 2,
        sync$,
      });
      m.expectObservable(lookup([BOB, CAROL])).toBe("--(x|)", { x: ["bob B1 superseded", "carol C1 untracked"] });
      m.expectObservable(known([CAROL, BOB]), "---^").toBe("---(x|)", { x: [] });
    }),
  );

  it(
    "still returns the list of a user who cannot be reached any more",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(EVE) });
      const { homeserver, known, lookup } = setUp(m, { tracked: [EVE], devices: { [EVE]: ["E1"] }, sync$ });
      lookup([EVE]).subscribe();
      homeserver.unreachable.add("down.example");
      m.expectObservable(lookup([EVE]), "--^").toBe("--(e|)", { e: ["eve - unreachable (last known E1)"] });
      m.expectObservable(known([EVE]), "---^").toBe("---(e|)", { e: ["eve E1 outdated"] });
    }),
  );

  it(
    "returns what memory has if the store cannot be read, and reports it",
    marbles((m) => {
      const { known, store, problems$ } = fetched(m, { maxListsInMemory: 1 });
      m.acts("-f", { f: () => store.failNext("broken", "read") });
      m.expectObservable(known([BOB, CAROL]), "--^-").toBe("--(x|)", { x: ["carol C1 current"] });
      m.expectObservable(known([BOB, CAROL]), "---^").toBe("---(x|)", { x: ["bob B1 current", "carol C1 current"] });
      m.expectObservable(problems$).toBe("--p", { p: "read-failed" });
    }),
  );
});
