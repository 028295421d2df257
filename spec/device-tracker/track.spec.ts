import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { savedIds } from "../support/saved.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });

describe("track()", () => {
  it(
    "makes who was not tracked tracked and outdated, so that they can be cached",
    marbles((m) => {
      const bob$ = m.cold("                ---(b|)", { b: B1 });
      const { tracker, lookup, asked$ } = trackerIn(m, { answers: [bob$] });
      m.expectObservable(tracker.track([BOB])).toBe("|");
      m.expectObservable(lookup([BOB]), "-^------").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "------^-").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("          -b", { b: "bob" });
    }),
  );

  it(
    "leaves who is tracked as they are: their list stays in the cache",
    marbles((m) => {
      const { tracker, lookup, requests } = trackerIn(m, { tracking: [BOB], answers: [of(B1)] });
      m.expectObservable(lookup([BOB]), "     ^---").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(tracker.track([BOB]), "-^--").toBe("-|");
      m.expectObservable(lookup([BOB]), "     --^-").toBe("--(b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(requests).toHaveLength(1);
      });
    }),
  );

  it(
    "leaves a tracked user's query in flight good",
    marbles((m) => {
      const { tracker, lookup } = trackerIn(m, { tracking: [BOB], answers: [m.cold("---(b|)", { b: B1 })] });
      m.expectObservable(tracker.track([BOB, CAROL]), "-^--").toBe("-|");
      m.expectObservable(lookup([BOB])).toBe("---(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "supersedes what was asked while the user was untracked",
    marbles((m) => {
      const first$ = m.cold("               ---(b|)  ", { b: B1 });
      const second$ = m.cold("                 --(b|)", { b: answer({ [BOB]: ["B2"] }) });
      const { tracker, lookup } = trackerIn(m, { answers: [first$, second$] });
      m.expectObservable(tracker.track([BOB]), "-^------").toBe("-|");
      m.expectObservable(lookup([BOB]), "     ^-------").toBe("---(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "     ----^---").toBe("------(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "emits nothing and completes when it is durable, having taken effect in memory at once",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, { tracking: [CAROL], store });
      store.takes = 3;
      m.expectObservable(tracker.track([BOB]), "-^----").toBe("----|");
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("23----", { 2: 2, 3: 3 });
    }),
  );

  it(
    "completes for users who are being committed only when they are",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, { tracking: [CAROL], store, sync$: m.hot("-x--------", { x: changed(BOB) }) });
      store.takes = 4;
      m.expectObservable(tracker.track([BOB]), "--^-------").toBe("---------|");
    }),
  );

  it(
    "does nothing until it is subscribed to",
    marbles((m) => {
      const { tracker } = trackerIn(m);
      tracker.track([BOB]);
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE]) });
    }),
  );

  it(
    "goes on when it is unsubscribed",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, { tracking: [CAROL], store });
      store.takes = 3;
      m.expectObservable(tracker.track([BOB]), "^!").toBe("-");
      m.afterwards(() => {
        expect(savedIds(store.records, "state")).toEqual([CAROL, BOB]);
      });
    }),
  );

  it(
    "outlives a restart",
    marbles((m) => {
      const store = memoryStore();
      trackerIn(m, { tracking: [BOB], store });
      const { tracker } = trackerIn(m, { store });
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
    }),
  );

  it(
    "keeps the list of a user whom another tab tracks and has fetched since",
    marbles((m) => {
      const store = memoryStore();
      const late = trackerIn(m, { store });
      late.lookup([]).subscribe();
      trackerIn(m, { store, tracking: [BOB], answers: [of(B1)] })
        .lookup([BOB])
        .subscribe();
      m.expectObservable(late.tracker.track([BOB])).toBe("|");
      m.expectObservable(late.lookup([BOB]), "-^").toBe("-(b|)", { b: ["bob B1 current"] });
      m.expectObservable(late.asked$).toBe("--");
    }),
  );
});
