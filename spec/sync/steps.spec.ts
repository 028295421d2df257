import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });
const from = (since: string | null, token: string, ...changed: string[]): SyncResponse => ({
  next_batch: token,
  since,
  device_lists: { changed },
});

describe("a step's since", () => {
  it(
    "that is where memory stands is no gap: who is not named stays cached",
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: from(null, "s1", BOB), y: from("s1", "s2", CAROL) });
      const { lookup, problems$ } = trackerIn(m, { sync$, answers: [of(B1)] });
      m.expectObservable(lookup([BOB]), "-^----").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^-").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("------");
    }),
  );

  it(
    "that is absent is taken for where memory stands",
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: from(null, "s1", BOB), y: { next_batch: "s9" } });
      const { lookup } = trackerIn(m, { sync$, answers: [of(B1)] });
      m.expectObservable(lookup([BOB]), "-^----").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^-").toBe("----(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "that is another token is a gap: nobody is taken for up to date",
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: from(null, "s1", BOB), y: from("s5", "s6", CAROL) });
      const { lookup, problems$ } = trackerIn(m, { sync$, answers: [of(B1), of(B2)] });
      m.expectObservable(lookup([BOB]), "-^----").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^-").toBe("----(b|)", { b: ["bob B2 current"] });
      m.expectObservable(problems$).toBe("---p--", { p: "gap" });
    }),
  );

  it(
    "that is another token supersedes queries in flight",
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: from(null, "s1", BOB), y: from("s5", "s6", CAROL) });
      const { lookup } = trackerIn(m, { sync$, answers: [m.cold("----(b|)", { b: B1 })] });
      m.expectObservable(lookup([BOB]), "-^----").toBe("-----(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "that is null makes outdated whatever was fetched before it: the initial sync announces nobody",
    marbles((m) => {
      const sync$ = m.hot("---y--", { y: from(null, "s1") });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B2)] });
      m.expectObservable(lookup([BOB]), "-^----").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^-").toBe("----(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "that is null supersedes what was asked before it",
    marbles((m) => {
      const sync$ = m.hot("---y--", { y: from(null, "s1") });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [m.cold("-----(b|)", { b: B1 })] });
      m.expectObservable(lookup([BOB])).toBe("-----(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "of a step that was given before, which memory stands on, is no gap",
    marbles((m) => {
      const sync$ = m.hot("x-y-y-", { x: from(null, "s1", BOB), y: from("s1", "s2", CAROL) });
      const { problems$ } = trackerIn(m, { sync$ });
      m.expectObservable(problems$).toBe("------");
    }),
  );
});

describe("a server that repeats its token", () => {
  it(
    "has each change counted, in memory and in the store",
    marbles((m) => {
      const store = memoryStore();
      const x = { next_batch: "same", since: "same", device_lists: { changed: [BOB] } };
      const sync$ = m.hot("x--x--", { x });
      const { lookup } = trackerIn(m, { tracking: [ALICE], store, sync$, answers: [of(B1), of(B2)] });
      const { lookup: afterRestart } = trackerIn(m, { store, answers: [of(B2)] });
      m.expectObservable(lookup([BOB]), "      -^----").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(afterRestart([BOB]), "----^-").toBe("----(b|)", { b: ["bob B2 current"] });
      m.expectObservable(lookup([BOB]), "      -----^").toBe("-----(b|)", { b: ["bob B2 current"] });
    }),
  );
});

describe("a step that another tab has committed", () => {
  /** One of two tabs over the same store, which are given the same steps. */
  const tab = (m: Marbles, store: DeviceStore, sync$: string) =>
    trackerIn(m, {
      store,
      sync$: m.hot(sync$, { x: from(null, "s1", BOB), y: from("s1", "s2", BOB) }),
      answers: [of(B1), of(B2)],
    });

  it(
    "is not committed again, and the list that the other tab has fetched since is used",
    marbles((m) => {
      const store = memoryStore();
      const other = tab(m, store, "x-y-----");
      const late = tab(m, store, "-x---y--");
      other.lookup([]).subscribe();
      m.expectObservable(other.lookup([BOB]), "---^----").toBe("---(b|)", { b: ["bob B1 current"] });
      m.expectObservable(late.lookup([BOB]), " ------^-").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(late.asked$).toBe("--------");
      m.afterwards(() => {
        expect(saved(store, SYNC)).toMatchObject({
          token: "s2",
          steps: [{ next: "s1" }, { next: "s1" }, { since: "s1", next: "s2" }],
        });
      });
    }),
  );

  it(
    "whose user another tab has seen change again leaves our query's answer unsaved",
    marbles((m) => {
      const store = memoryStore();
      const other = trackerIn(m, {
        store,
        sync$: m.hot("-x-y----", { x: from("s0", "s1", BOB), y: from("s1", "s2", BOB) }),
      });
      const late = trackerIn(m, {
        store,
        sync$: m.hot("--x-----", { x: from("s0", "s1", BOB) }),
        answers: [m.cold("--(b|)", { b: B1 })],
      });
      other.lookup([]).subscribe();
      m.expectObservable(late.lookup([BOB]), "----^---").toBe("------(b|)", { b: ["bob B1 superseded"] });
    }),
  );
});
