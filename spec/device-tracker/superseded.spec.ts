import { of } from "rxjs";
import { describe, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });

describe("a change while a query is in flight", () => {
  it(
    "leaves those who wait the answer, marked superseded",
    marbles((m) => {
      const sync$ = m.hot("               --x       ", { x: changed(BOB) });
      const bob$ = m.cold("               -----(b|)", { b: B1 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [bob$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectSubscriptions(bob$.subscriptions).toBe("^----!");
    }),
  );

  it(
    "keeps the answer out of the cache",
    marbles((m) => {
      const sync$ = m.hot("               --x            ", { x: changed(BOB) });
      const first$ = m.cold("             ----(b|)       ", { b: B1 });
      const second$ = m.cold("                   --(b|)", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^------------").toBe("----(b|)     ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "-------^-----").toBe("---------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b------b", { b: "bob" });
    }),
  );

  it(
    "gets a caller after the change a new query",
    marbles((m) => {
      const sync$ = m.hot("               --x           ", { x: changed(BOB) });
      const first$ = m.cold("             --------(b|)  ", { b: B1 });
      const second$ = m.cold("               --(b|)      ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^-----------").toBe("--------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^--------").toBe("-----(b|)   ", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
      m.expectSubscriptions(first$.subscriptions).toBe("^-------!");
      m.expectSubscriptions(second$.subscriptions).toBe("---^-!");
    }),
  );

  it(
    "cannot bring an older list back: the older query's late answer is not cached over the newer one's",
    marbles((m) => {
      const sync$ = m.hot("               --x             ", { x: changed(BOB) });
      const first$ = m.cold("             --------(b|)    ", { b: B1 });
      const second$ = m.cold("               --(b|)        ", { b: B2 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^--------------").toBe("--------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^-----------").toBe("-----(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "----------^----").toBe("----------(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "is joined by further callers in the new query, not in the old one",
    marbles((m) => {
      const sync$ = m.hot("               --x             ", { x: changed(BOB) });
      const first$ = m.cold("             -----(b|)       ", { b: B1 });
      const second$ = m.cold("               -----(b|)     ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^----------").toBe("-----(b|)  ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^-------").toBe("--------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "----^------").toBe("--------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "------^----").toBe("--------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
    }),
  );

  it(
    "gets callers after each of several changes a query of their own",
    marbles((m) => {
      const sync$ = m.hot("               -x-x           ", { x: changed(BOB) });
      const first$ = m.cold("             --------(b|)   ", { b: B1 });
      const second$ = m.cold("              ------(b|)  ", { b: B2 });
      const third$ = m.cold("                 ----(b|)  ", { b: answer({ [BOB]: ["B3"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$, third$] });
      m.expectObservable(lookup([BOB]), "^----------").toBe("--------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "--^--------").toBe("--------(b|)", { b: ["bob B2 superseded"] });
      m.expectObservable(lookup([BOB]), "----^------").toBe("--------(b|)", { b: ["bob B3 current"] });
      m.expectObservable(asked$).toBe("b-b-b", { b: "bob" });
    }),
  );

  it(
    "touches only the user it names",
    marbles((m) => {
      const sync$ = m.hot("               --x       ", { x: changed(CAROL) });
      const both$ = m.cold("              ----(x|)  ", { x: answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }) });
      const carol$ = m.cold("                   -(c|)", { c: answer({ [CAROL]: ["C2"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers: [both$, carol$] });
      m.expectObservable(lookup([BOB, CAROL]), "^--------").toBe("----(x|) ", {
        x: ["bob B1 current", "carol C1 superseded"],
      });
      m.expectObservable(lookup([BOB, CAROL]), "------^--").toBe("-------(x|)", {
        x: ["bob B1 current", "carol C2 current"],
      });
      m.expectObservable(asked$).toBe("x-----c", { x: "bob carol", c: "carol" });
    }),
  );

  it(
    "that says that the user left keeps the answer out of the cache too",
    marbles((m) => {
      const sync$ = m.hot("               --x        ", { x: left(BOB) });
      const first$ = m.cold("             ----(b|)   ", { b: B1 });
      const second$ = m.cold("                  -(b|)", { b: B2 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("----(b|) ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^--").toBe("-------(b|)", { b: ["bob B2 untracked"] });
    }),
  );

  it(
    "that says that the user left, and one that they are back, supersede what was asked before",
    marbles((m) => {
      const sync$ = m.hot("               -x-y       ", { x: left(BOB), y: changed(BOB) });
      const first$ = m.cold("             -----(b|)  ", { b: B1 });
      const second$ = m.cold("                   -(b|)", { b: B2 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "-------^-").toBe("--------(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "of an untracked user supersedes what was asked before they were tracked",
    marbles((m) => {
      const sync$ = m.hot("               --x       ", { x: changed(BOB) });
      const first$ = m.cold("             ----(b|)  ", { b: B1 });
      const second$ = m.cold("                  -(b|)", { b: B2 });
      const { lookup } = trackerIn(m, { sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("----(b|) ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^--").toBe("-------(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "after the answer, while it is being saved, supersedes it as well",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("               ---x        ", { x: changed(BOB) });
      const first$ = m.cold("             --(b|)      ", { b: B1 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, store, answers: [first$, of(B2)] });
      store.takes = 3;
      m.expectObservable(lookup([BOB], { forceDownload: true }), "^---------------").toBe("-----(b|) ", {
        b: ["bob B1 superseded"],
      });
      m.expectObservable(lookup([BOB]), "----------^-----").toBe("----------------(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "of everyone, because the response cannot be understood, supersedes every query",
    marbles((m) => {
      const sync$ = m.hot("               --x       ", { x: step("s1", { changed: "?" as unknown as string[] }) });
      const both$ = m.cold("              ----(x|)  ", { x: answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^--------").toBe("----(x|) ", {
        x: ["bob B1 superseded", "carol C1 superseded"],
      });
    }),
  );
});

describe("freshness", () => {
  it(
    "is decided when the value is emitted: a cached user who changes while the call waits for others is superseded",
    marbles((m) => {
      const sync$ = m.hot("                      -----x     ", { x: changed(BOB) });
      const bob$ = m.cold("                      -(b|)      ", { b: B1 });
      const carol$ = m.cold("                       -----(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers: [bob$, carol$] });
      m.expectObservable(lookup([BOB]), "       ^---------").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL]), "---^------").toBe("--------(x|)", {
        x: ["bob B1 superseded", "carol C1 current"],
      });
    }),
  );

  it(
    "is superseded for a user whose query was answered in time, but who changed before the call's others were",
    marbles((m) => {
      const sync$ = m.hot("                      ---x      ", { x: changed(BOB) });
      const bob$ = m.cold("                      --(b|)    ", { b: B1 });
      const carol$ = m.cold("                    -----(c|) ", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: ["bob B1 superseded", "carol C1 current"] });
    }),
  );

  it(
    "is superseded for an untracked user who is tracked from the answer on",
    marbles((m) => {
      const sync$ = m.hot("                      ---x      ", { x: changed(BOB) });
      const bob$ = m.cold("                      --(b|)    ", { b: B1 });
      const carol$ = m.cold("                    -----(c|) ", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [CAROL], sync$, answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: ["bob B1 superseded", "carol C1 current"] });
    }),
  );
});
