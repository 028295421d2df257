import { mergeMap } from "rxjs";
import { describe, expect, it } from "vitest";
import { listKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });
const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });

/** A store that answers at once until the test begins, then takes its time. */
function slowStore(
  { scheduler }: Marbles,
  takes: number,
): { readonly store: ScriptedStore; readonly slow: () => void } {
  const store = new ScriptedStore({ scheduler });
  return { store, slow: () => (store.takes = takes) };
}

describe("a query in flight", () => {
  it(
    "is joined for a user whom nobody waits for any more, while others keep the request alive",
    marbles((m) => {
      const both$ = m.cold("                     ------(x|)", { x: both });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^-!-------").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^--------").toBe("------(c|)", { c: ["carol C1 current"] });
      m.expectObservable(lookup([BOB]), "       ----^-----").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("x", { x: "bob carol" });
      m.expectSubscriptions(both$.subscriptions).toBe("^-----!");
    }),
  );

  it(
    "is not aborted where another caller joined for a user that its first callers did not stay for",
    marbles((m) => {
      const both$ = m.cold("                     ------(x|)", { x: both });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^---!-----").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^-!------").toBe("----------");
      m.expectObservable(lookup([BOB]), "       --^-------").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectSubscriptions(both$.subscriptions).toBe("^-----!");
    }),
  );

  it(
    "keeps its place when the superseded query before it ends",
    marbles((m) => {
      const sync$ = m.hot("               -x         ", { x: changed(BOB) });
      const first$ = m.cold("             ----(b|)   ", { b: B1 });
      const second$ = m.cold("              ------(b|)", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^----------").toBe("----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "--^--------").toBe("--------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "-----^-----").toBe("--------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b-b", { b: "bob" });
    }),
  );

  it(
    "keeps its place when the superseded query before it fails or is aborted",
    marbles((m) => {
      const sync$ = m.hot("               -x-x          ", { x: changed(BOB) });
      const first$ = m.cold("             -----#        ");
      const second$ = m.cold("              ----------- ");
      const third$ = m.cold("                 ------(b|)", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$, third$] });
      m.expectObservable(lookup([BOB]), "^-------------").toBe("-----#");
      m.expectObservable(lookup([BOB]), "--^---!-------").toBe("-------");
      m.expectObservable(lookup([BOB]), "----^---------").toBe("----------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "-------^------").toBe("----------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b-b-b", { b: "bob" });
    }),
  );

  it(
    "is not joined by whoever asks from inside its own answer",
    marbles((m) => {
      const first$ = m.cold("  --(b|)  ", { b: B1 });
      const second$ = m.cold("   --(b|)", { b: B2 });
      const { lookup, asked$, tracker } = trackerIn(m, { answers: [first$, second$] });
      let again: unknown;
      m.acts("a", {
        a: () =>
          tracker
            .getDeviceKeys([BOB])
            .pipe(mergeMap(() => lookup([BOB])))
            .subscribe((result) => (again = result)),
      });
      m.expectObservable(asked$).toBe("b-b", { b: "bob" });
      m.afterwards(() => {
        expect(again).toEqual(["bob B2 untracked"]);
      });
    }),
  );
});

describe("saving an answer", () => {
  it(
    "is waited for before the value is emitted",
    marbles((m) => {
      const { store, slow } = slowStore(m, 3);
      const bob$ = m.cold("--(b|)", { b: B1 });
      const { lookup } = trackerIn(m, { tracking: [BOB], store, answers: [bob$] });
      slow();
      m.expectObservable(lookup([BOB], { forceDownload: true })).toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectSubscriptions(bob$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "goes on when everybody unsubscribes once the answer is there",
    marbles((m) => {
      const { store, slow } = slowStore(m, 4);
      const bob$ = m.cold("               --(b|)       ", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], store, answers: [bob$] });
      slow();
      m.expectObservable(lookup([BOB], { forceDownload: true }), "^--!---------").toBe("-------------");
      m.expectObservable(lookup([BOB]), "--------^----").toBe("--------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeDefined();
      });
    }),
  );

  it(
    "is joined by a caller who comes after the answer and before its end",
    marbles((m) => {
      const { store, slow } = slowStore(m, 4);
      const bob$ = m.cold("               --(b|)  ", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], store, answers: [bob$] });
      slow();
      m.expectObservable(lookup([BOB], { forceDownload: true }), "^--!-----").toBe("---------");
      m.expectObservable(lookup([BOB]), "----^----").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "does not happen for a request that was aborted before its answer",
    marbles((m) => {
      const { store } = slowStore(m, 0);
      const { lookup } = trackerIn(m, { tracking: [BOB], store, answers: [m.cold("----(b|)", { b: B1 })] });
      m.expectObservable(lookup([BOB]), "^-!").toBe("---");
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );

  it(
    "that the store refuses, because another tab knows of a change, makes the value superseded",
    marbles((m) => {
      const store = memoryStore();
      const first$ = m.cold("             -----(b|)        ", { b: B1 });
      const second$ = m.cold("                   --(b|)    ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], store, answers: [first$, second$] });
      const otherTabsSync$ = m.hot("      --x              ", { x: changed(BOB) });
      trackerIn(m, { store, sync$: otherTabsSync$ });
      m.expectObservable(lookup([BOB]), "^-----------").toBe("-----(b|)    ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "-------^----").toBe("---------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b------b", { b: "bob" });
    }),
  );

  it(
    "that the store refuses for one user is done for the others",
    marbles((m) => {
      const store = memoryStore();
      const both$ = m.cold("                     -----(x|)", { x: both });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], store, answers: [both$] });
      trackerIn(m, { store, sync$: m.hot("       --x      ", { x: changed(BOB) }) });
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: ["bob B1 superseded", "carol C1 current"] });
    }),
  );

  it(
    "that fails is told, and memory keeps the list",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const bob$ = m.cold("               --(b|)  ", { b: B1 });
      const { lookup, asked$, problems$, problems } = trackerIn(m, { tracking: [BOB], store, answers: [bob$] });
      store.failNext("the disk is full", "update");
      m.expectObservable(lookup([BOB]), "^-------").toBe("--(b|)  ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^--").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
      m.expectObservable(problems$).toBe("--p", { p: "save-failed" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ userIds: [BOB], error: "the disk is full" }]);
      });
    }),
  );

  it(
    "is not done for an untracked user",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup } = trackerIn(m, { store, answers: [m.cold("-(b|)", { b: B1 })] });
      m.expectObservable(lookup([BOB])).toBe("-(b|)", { b: ["bob B1 untracked"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );
});
