import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_USERS_AT_ONCE } from "../../src/model/batch-sizes.js";
import { StoreClearedError } from "../../src/model/errors.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { restarted, setUp, type SetUp } from "../support/set-up.js";
import { slowClock } from "../support/slow-clock.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { changed, step } from "../support/wire.js";

const cleared = new StoreClearedError();
const KINDS = ["account", "log", "snapshot", "list", "index"];

/** Bob is tracked. Operations of the store take as long as given; it is cleared when `timing` says `c`. */
function clearing(m: Marbles, timing: string, { takes = 0, ...options }: SetUp & { readonly takes?: number } = {}) {
  const devices = { [ALICE]: ["A1"], [BOB]: ["B1"] };
  const under = setUp(m, { tracked: [BOB], devices, ...options });
  under.store.takes = takes;
  m.acts(timing, { c: () => under.store.clear().subscribe() });
  const expectEmpty = () => {
    m.afterwards(() => {
      expect(KINDS.flatMap((kind) => savedIds(under.store.records, kind))).toEqual([]);
    });
  };
  return { ...under, expectEmpty };
}

describe("clearing the store", () => {
  it(
    "is not undone by the commit of a step",
    marbles((m) => {
      const { expectEmpty } = clearing(m, "-c", { takes: 3, sync$: m.hot("--x", { x: changed(BOB) }) });
      expectEmpty();
    }),
  );

  it(
    "is not undone by saving a list, whose lookup is superseded",
    marbles((m) => {
      const { lookup, expectEmpty } = clearing(m, "-c", { takes: 3, answerAfter: 2 });
      m.expectObservable(lookup([BOB])).toBe("-------(b|)", { b: ["bob B1 superseded"] });
      expectEmpty();
    }),
  );

  it(
    "is not undone by writes that wait for one another",
    marbles((m) => {
      const sync$ = m.hot("--x-y", { x: changed(CAROL), y: step("s2", { changed: [CAROL] }) });
      const { lookup, expectEmpty } = clearing(m, "-c", { takes: 4, sync$, answerAfter: 1 });
      m.expectObservable(lookup([BOB]), "--^").toBe("---------(b|)", { b: ["bob B1 superseded"] });
      expectEmpty();
    }),
  );

  it(
    "fails every call once it is noticed",
    marbles((m) => {
      const { lookup, known, tracker } = clearing(m, "-c", { answerAfter: 2 });
      m.expectObservable(lookup([BOB]), "^--").toBe("--(b|)", { b: ["bob B1 superseded"] });
      for (const call$ of [lookup([BOB]), known([BOB])])
        m.expectObservable(call$, "---^").toBe("---#", undefined, cleared);
      for (const call$ of [tracker.track([ALICE]), tracker.untrack([BOB]), tracker.invalidate([BOB])])
        m.expectObservable(call$, "---^").toBe("---#", undefined, cleared);
    }),
  );

  it(
    "fails a call of many users in the middle, and one that waits for it",
    marbles((m) => {
      slowClock(m.scheduler);
      const { tracker, store } = setUp(m, { tracked: [BOB] });
      for (const call$ of [tracker.track(crowd(5 * MAX_USERS_AT_ONCE)), tracker.untrack([BOB])])
        m.expectObservable(call$, "-^").toBe("-#", undefined, cleared);
      m.acts("-c", { c: () => store.clear().subscribe() }); // after the first slice
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE, BOB]) });
    }),
  );

  it(
    "fails a call that waits until a gap is closed once it is noticed",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { lookup, tracker } = clearing(m, "---c", { sync$, changes: () => NEVER, answerAfter: 5 });
      m.expectObservable(lookup([BOB])).toBe("-----(b|)", { b: ["bob B1 superseded"] }); // its save notices it
      m.expectObservable(tracker.track([CAROL]), "--^").toBe("-----#", undefined, cleared);
    }),
  );

  it(
    "supersedes a query that was in flight when it is noticed",
    marbles((m) => {
      const { lookup } = clearing(m, "-c", { sync$: m.hot("--x", { x: step("s1") }), answerAfter: 4 });
      m.expectObservable(lookup([BOB])).toBe("----(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "fails synced$ and applied$ at the next step, and is reported once",
    marbles((m) => {
      const sync$ = m.hot("x---y-z", { x: step("s1"), y: step("s2"), z: step("s3") });
      const { synced$, tracker, problems$ } = clearing(m, "--c", { sync$ });
      m.expectObservable(synced$).toBe("x---#", { x: "s1" }, cleared);
      m.expectObservable(tracker.applied$).toBe("x---(y#)", { x: step("s1"), y: step("s2") }, cleared);
      m.expectObservable(problems$).toBe("----p", { p: "store-cleared" });
    }),
  );

  it(
    "ends the connection that notices it, and a later one at once",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: step("s1") });
      const { tracker } = clearing(m, "c", { sync$ });
      m.expectSubscriptions(sync$.subscriptions).toBe("^!");
      m.acts("--r", { r: () => expect(tracker.connect().closed).toBe(true) });
    }),
  );

  it(
    "makes watchers silent, and does not fail them",
    marbles((m) => {
      const { tracker, watch } = clearing(m, "-c", { sync$: m.hot("--x", { x: changed(BOB) }) });
      m.expectObservable(watch([BOB]), "^------!").toBe("b-s", {
        b: ["bob B1 current"],
        s: ["bob B1 superseded"],
      });
      m.expectObservable(tracker.watchDeviceKeys([BOB]), "---^---!").toBe("-----");
    }),
  );

  it(
    "begins another life, into which a tracker of the former one writes nothing",
    marbles((m) => {
      const former = clearing(m, "-c", { sync$: m.hot("----x", { x: changed(BOB) }), answerAfter: 5 });
      former.lookup([BOB]).subscribe();
      const next = restarted(m, former, { connected: false });
      m.expectObservable(next.lookup([ALICE]), "--^").toBe("-------(a|)", { a: ["alice A1 current"] });
      m.afterwards(() => {
        expect(savedIds(former.store.records, "log")).toEqual(["1"]);
        expect(savedIds(former.store.records, "list")).toEqual([ALICE]);
      });
    }),
  );
});
