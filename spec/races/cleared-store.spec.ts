import { NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";
import { accountIn, answering, type Tab } from "./account-in.js";

const cleared = new StoreClearedError();

/** A tracker of Alice's that has not read Bob's saved list, and does not know that Alice has logged out and Dave has logged in. */
function formerTab(m: Marbles): Tab {
  const { homeserver, records, open } = accountIn(m);
  homeserver.addDevice(BOB, "MINE");
  const first = open();
  first.give(answering(null, "s1", { changed: [BOB] }));
  first.lookup([BOB]).subscribe();
  const former = open();
  former.lookup([]).subscribe();
  records.clear().subscribe();

  const theirs = new ScriptedHomeserver({ scheduler: m.scheduler });
  theirs.addDevice(BOB, "THEIRS");
  const other = open({ userId: DAVE, keysApi: theirs.keysApi });
  other.give(
    answering(null, "t1"),
    answering("t1", "t2", { changed: [BOB] }),
    answering("t2", "t3", { changed: [BOB] }),
  );
  other.lookup([BOB]).subscribe();
  m.expectObservable(other.known([BOB])).toBe("(t|)", { t: ["bob THEIRS current"] });
  return former;
}

describe("a store that was cleared and is another account's now", () => {
  it(
    "fails all lookups of the former account's tracker",
    marbles((m) => {
      const { lookup, known } = formerTab(m);
      m.expectObservable(lookup([BOB]), "-^").toBe("-#", undefined, cleared);
      m.expectObservable(lookup([BOB]), "--^").toBe("--#", undefined, cleared);
      m.expectObservable(known([BOB]), "---^").toBe("---#", undefined, cleared);
    }),
  );

  it(
    "fails getKnownDeviceKeys if that finds it first, and is reported",
    marbles((m) => {
      const { known, problems$ } = formerTab(m);
      m.expectObservable(known([BOB]), "-^").toBe("-#", undefined, cleared);
      m.expectObservable(problems$).toBe("-c", { c: "store-cleared" });
    }),
  );

  it(
    "gets no list of the former account: a forced download is superseded",
    marbles((m) => {
      const { lookup, store } = formerTab(m);
      const before = saved(store.records, listKey(BOB));
      m.expectObservable(lookup([BOB], { forceDownload: true }), "-^").toBe("-(s|)", { s: ["bob MINE superseded"] });
      m.expectObservable(lookup([BOB]), "--^").toBe("--#", undefined, cleared);
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toEqual(before);
      });
    }),
  );

  it(
    "gets no step of the former account",
    marbles((m) => {
      const { give, store, problems$ } = formerTab(m);
      m.acts("-g", { g: () => give(answering("s1", "s2", { changed: [CAROL] })) });
      m.expectObservable(problems$).toBe("-c", { c: "store-cleared" });
      m.expectObservable(store.records.syncToken$, "--^").toBe("--(t|)", { t: "t3" });
    }),
  );

  it(
    "shows watchers of the former account nothing, and does not fail them",
    marbles((m) => {
      m.expectObservable(formerTab(m).watch([BOB]), "-^ 60s !").toBe("-");
    }),
  );
});

describe("a store that is cleared", () => {
  it(
    "while a gap is being closed fails the lookups that wait, and nothing is queried",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("x-y------", { x: answering(null, "s1", { changed: [BOB] }), y: answering("s5", "s6") });
      const { lookup, asked$, tracker } = trackerIn(m, {
        store,
        sync$,
        answers: [of(answer({ [BOB]: ["B1"] }))],
        changes: () => m.cold("-----(c|)", { c: { changed: [BOB] } }),
      });
      tracker.synced$.subscribe({ error: () => {} });
      m.acts("----c----", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([BOB]), "  -^-------").toBe("-(o|)", { o: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "  ---^-----").toBe("-------#", undefined, cleared);
      m.expectObservable(lookup([CAROL]), "-----^---").toBe("-------#", undefined, cleared);
      m.expectObservable(asked$).toBe("-q", { q: "bob" });
    }),
  );

  it.each([
    ["before the first connection", NEVER],
    ["after the last connection has ended", of(answering(null, "s1"))],
  ])("fails synced$ %s", (_, sync$) => {
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup, tracker } = trackerIn(m, {
        store,
        sync$,
        connected: sync$ !== NEVER,
        tracking: [BOB],
        answers: [of(answer({ [BOB]: ["B1"] }))],
      });
      m.acts("--c", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([BOB]), "---^").toBe("---(s|)", { s: ["bob B1 superseded"] }); // finds it
      m.expectObservable(tracker.synced$, "-^").toBe("---#", undefined, cleared);
    })();
  });
});
