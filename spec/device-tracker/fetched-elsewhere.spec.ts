import { NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { answering } from "../races/account-in.js";
import { answer } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });
const current = { b: ["bob B1 current"], c: ["bob B2 current"] };

/** Two tabs with one store, both given the same change of Bob at frame 1. */
function twoTabs(m: Marbles, theirs: TrackerSetUp = {}, ours: TrackerSetUp = {}) {
  const store = new ScriptedStore({ scheduler: m.scheduler });
  const sync$ = m.hot("(sx)", {
    s: answering(null, "s1", { changed: [BOB, CAROL] }),
    x: answering("s1", "s2", { changed: [BOB] }),
  });
  const open = (setUp: TrackerSetUp) =>
    trackerIn(m, { store: new ScriptedStore({ scheduler: m.scheduler, records: store.records }), sync$, ...setUp });
  const other = open(theirs);
  return { other, ours: open({ store, ...ours }), store };
}

describe("a list that another tab has fetched since the change", () => {
  it(
    "is found in the store, and nobody is asked",
    marbles((m) => {
      const { other, ours } = twoTabs(m, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.expectObservable(other.lookup([BOB]), "-^----").toBe("---(b|)", current);
      m.expectObservable(ours.lookup([BOB]), " -----^").toBe("-----(b|)", current);
      m.expectObservable(ours.asked$).toBe("-");
    }),
  );

  it(
    "is in memory from then on",
    marbles((m) => {
      const { other, ours, store } = twoTabs(m, { answers: [of(B1)] });
      m.expectObservable(other.lookup([BOB]), "-^-----").toBe("-(b|)", current);
      m.expectObservable(ours.lookup([BOB]), " ---^---").toBe("---(b|)", current);
      let reads = 0;
      m.acts("----c", { c: () => (reads = store.begun.read) });
      m.expectObservable(ours.lookup([BOB]), " -----^").toBe("-----(b|)", current);
      m.afterwards(() => {
        expect(store.begun.read).toBe(reads);
      });
    }),
  );

  it(
    "is shown by a watcher whose own look-up it spares",
    marbles((m) => {
      const { other, ours } = twoTabs(m, { answers: [of(B1)] });
      m.expectObservable(other.lookup([BOB]), "-^-----").toBe("-(b|)", current);
      m.expectObservable(ours.watch([BOB]), " ---^-").toBe("---b", current);
      m.expectObservable(ours.asked$).toBe("-");
    }),
  );

  it(
    "spares its user a place in the request for the others",
    marbles((m) => {
      const { other, ours } = twoTabs(
        m,
        { answers: [of(B1)] },
        { answers: [m.cold("--(c|)", { c: answer({ [CAROL]: ["C1"] }) })] },
      );
      m.expectObservable(other.lookup([BOB]), "-^-----").toBe("-(b|)", current);
      m.expectObservable(ours.lookup([BOB, DAVE, CAROL]), "---^").toBe("-----(x|)", {
        x: ["bob B1 current", "dave - untracked", "carol C1 current"],
      });
      m.expectObservable(ours.asked$).toBe("---x", { x: "dave carol" });
    }),
  );

  it(
    "is not taken where forceDownload is asked for",
    marbles((m) => {
      const { other, ours } = twoTabs(m, { answers: [of(B1)] }, { answers: [of(B2)] });
      m.expectObservable(other.lookup([BOB]), "                       -^-----").toBe("-(b|)", current);
      m.expectObservable(ours.lookup([BOB], { forceDownload: true }), " ---^").toBe("---(c|)", current);
    }),
  );
});

describe("looking for what another tab has fetched", () => {
  it(
    "is followed by one request for everybody whose list is not there",
    marbles((m) => {
      const { ours, store } = twoTabs(m, {}, { answers: [of(answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }))] });
      m.acts("-t", { t: () => (store.takes = 2) });
      m.expectObservable(ours.lookup([BOB, DAVE, CAROL]), "--^").toBe("------(x|)", {
        x: ["bob B1 current", "dave - untracked", "carol C1 current"],
      });
      m.expectObservable(ours.asked$).toBe("----x", { x: "bob dave carol" });
    }),
  );

  it(
    "does not hold up a caller who can join a query in flight",
    marbles((m) => {
      const { ours, store } = twoTabs(m, {}, { answers: [m.cold("---(b|)", { b: B1 })] });
      m.expectObservable(ours.lookup([BOB]), "-^----").toBe("-------(b|)", current);
      m.acts("--t", { t: () => (store.takes = 3) });
      m.expectObservable(ours.lookup([BOB]), "---^--").toBe("-------(b|)", current);
      m.expectObservable(ours.asked$).toBe("-b", { b: "bob" });
      m.afterwards(() => {
        expect(store.begun.read).toBeLessThanOrEqual(3);
      });
    }),
  );

  it(
    "gives way to a change that comes meanwhile: the user is asked for after it",
    marbles((m) => {
      const records = new ScriptedStore({ scheduler: m.scheduler }).records;
      const store = new ScriptedStore({ scheduler: m.scheduler, records });
      const first = answering(null, "s1", { changed: [BOB] });
      const other = trackerIn(m, {
        store: new ScriptedStore({ scheduler: m.scheduler, records }),
        sync$: of(first),
        answers: [of(B1)],
      });
      const ours = trackerIn(m, {
        store,
        sync$: m.hot("----y", { y: answering("s1", "s2", { changed: [BOB] }) }),
        answers: [of(B2)],
      });
      m.expectObservable(other.lookup([BOB]), "-^").toBe("-(b|)", current);
      m.acts("--t", { t: () => (store.takes = 4) });
      // The look at the state ends at 7, the read of the list at 15, after the commit of the step; saved at 19 by a transaction that finds an old device to be forgotten, and at 23 by one that does.
      m.expectObservable(ours.lookup([BOB]), "---^").toBe("-----------------------(c|)", current);
    }),
  );

  it(
    "waits a second for the store at the most",
    marbles((m) => {
      const { ours, store } = twoTabs(m, {}, { answers: [of(B1)] });
      m.acts("-h", { h: () => store.hangNext("read") });
      m.expectObservable(ours.lookup([BOB]), "--^").toBe("1002ms (b|)", current);
      m.expectObservable(ours.problems$).toBe("-");
    }),
  );

  it(
    "is left out while the store fails, and does not matter where it fails itself",
    marbles((m) => {
      const sync$ = m.hot("x--y", {
        x: answering(null, "s1", { changed: [BOB] }),
        y: answering("s1", "s2", { changed: [CAROL] }),
      });
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup, asked$, problems$ } = trackerIn(m, {
        store,
        sync$,
        answers: [of(B1), of(B2), of(answer({ [CAROL]: ["C1"] }))],
      });
      m.acts("-f-g", { f: () => store.failNext("no", "read"), g: () => store.failNext("full", "update") });
      m.expectObservable(lookup([BOB]), "--^").toBe("--(b|)", current);
      m.expectObservable(lookup([BOB], { forceDownload: true }), "----^").toBe("----(c|)", current);
      m.expectObservable(lookup([CAROL]), "-----^").toBe("-----(c|)", { c: ["carol C1 current"] });
      m.expectObservable(asked$).toBe("--b-bc", { b: "bob", c: "carol" });
      m.expectObservable(problems$).toBe("---css", { c: "commit-failed", s: "save-failed" });
    }),
  );

  it(
    "ends with its caller",
    marbles((m) => {
      const { ours, store } = twoTabs(m, {}, { answers: [NEVER] });
      m.acts("-t", { t: () => (store.takes = 5) });
      m.expectObservable(ours.lookup([BOB]), "--^-!").toBe("-");
      m.expectObservable(ours.asked$).toBe("-");
    }),
  );
});
