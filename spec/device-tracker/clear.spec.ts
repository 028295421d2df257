import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed, step } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const cleared = new StoreClearedError();

/** A tracker that tracks Bob, and a store whose operations take this long from the start of the test on. */
function withStore(m: Marbles, takes: number, setUp: TrackerSetUp = {}) {
  const store = new ScriptedStore({ scheduler: m.scheduler });
  const under = trackerIn(m, { tracking: [BOB], store, ...setUp });
  under.tracker.synced$.subscribe({ error: () => {} }); // or its end would be reported as unhandled
  store.takes = takes;
  const isEmpty = () => ["account", "state", "list"].every((kind) => savedIds(store.records, kind).length === 0);
  return { ...under, store, isEmpty, clear: () => store.clear().subscribe() };
}

describe("clear()", () => {
  it(
    "while a step is being committed brings nothing back",
    marbles((m) => {
      const { clear, isEmpty } = withStore(m, 3, { sync$: m.hot("--x--", { x: step("s1", { changed: [BOB] }) }) });
      m.acts("-c", { c: clear });
      m.afterwards(() => {
        expect(isEmpty()).toBe(true);
      });
    }),
  );

  it(
    "while a list is being saved brings nothing back, and gives the lookup superseded",
    marbles((m) => {
      const { clear, isEmpty, lookup } = withStore(m, 3, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.acts("-c", { c: clear });
      m.expectObservable(lookup([BOB], { forceDownload: true })).toBe("-------(b|)", { b: ["bob B1 superseded"] });
      m.afterwards(() => {
        expect(isEmpty()).toBe(true);
      });
    }),
  );

  it(
    "while writes wait behind one another brings none of them back",
    marbles((m) => {
      const sync$ = m.hot("--x-y-", { x: step("s1", { changed: [CAROL] }), y: step("s2", { changed: [CAROL] }) });
      const { clear, isEmpty, lookup } = withStore(m, 4, { sync$, answers: [m.cold("-(b|)", { b: B1 })] });
      m.acts("-c", { c: clear });
      m.expectObservable(lookup([BOB], { forceDownload: true }), "--^--").toBe("---------(b|)", {
        b: ["bob B1 superseded"],
      });
      m.afterwards(() => {
        expect(isEmpty()).toBe(true);
      });
    }),
  );

  it(
    "fails the lookups after it was noticed",
    marbles((m) => {
      const { clear, lookup, known, tracker } = withStore(m, 0, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.acts("                    -c", { c: clear });
      m.expectObservable(lookup([BOB]), "  ^----").toBe("--(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "  ---^-").toBe("---#", undefined, cleared);
      m.expectObservable(known([BOB]), "   ---^-").toBe("---#", undefined, cleared);
      m.expectObservable(tracker.track([ALICE]), "---^-").toBe("---#", undefined, cleared);
    }),
  );

  it(
    "gives a lookup whose query was in flight when it was noticed superseded",
    marbles((m) => {
      const sync$ = m.hot("              --x   ", { x: step("s1") });
      const { clear, lookup } = withStore(m, 0, { sync$, answers: [m.cold("----(b|)", { b: B1 })] });
      m.acts("                           -c", { c: clear });
      m.expectObservable(lookup([BOB])).toBe("----(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "fails synced$ at the next step, and is told once",
    marbles((m) => {
      const sync$ = m.hot("x---y-z-", { x: step("s1"), y: step("s2"), z: step("s3") });
      const { clear, tracker, problems$ } = withStore(m, 0, { sync$ });
      m.acts("--c", { c: clear });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("x---#", { x: "s1" }, cleared);
      m.expectObservable(problems$).toBe("----p", { p: "store-cleared" });
    }),
  );

  it(
    "ends the connection that notices it, and fails synced$ for who comes later",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: step("s1") });
      const { clear, tracker } = withStore(m, 0, { sync$ });
      clear();
      m.expectObservable(tracker.synced$, "^---").toBe("-#--", undefined, cleared);
      m.expectObservable(tracker.synced$, "--^-").toBe("--#-", undefined, cleared);
      m.expectSubscriptions(sync$.subscriptions).toBe(["^!"]);
    }),
  );

  it(
    "never fails watchers: they go quiet",
    marbles((m) => {
      const sync$ = m.hot("         -x--", { x: changed(BOB) });
      const { clear, watch, tracker } = withStore(m, 0, { sync$, answers: [of(B1), of(B1)] });
      m.expectObservable(watch([BOB]), "^-----!").toBe("b", { b: ["bob B1 current"] });
      m.acts("c", { c: clear });
      m.expectObservable(tracker.watchDeviceKeys([BOB]), "---^--!").toBe("-----");
    }),
  );

  it(
    "begins a new life of the store, into which a tracker of the former one writes nothing",
    marbles((m) => {
      const former = withStore(m, 0, {
        sync$: m.hot("----x", { x: step("s9", { changed: [BOB] }) }),
        answers: [m.cold("-----(b|)", { b: B1 })],
      });
      m.acts("-c", { c: former.clear });
      former.lookup([BOB]).subscribe();
      const next = trackerIn(m, { store: former.store, answers: [of(answer({ [ALICE]: ["A1"] }))] });
      m.expectObservable(next.lookup([ALICE]), "--^--").toBe("--(a|)", { a: ["alice A1 current"] });
      m.afterwards(() => {
        expect(savedIds(former.store.records, "state")).toEqual([ALICE]);
        expect(savedIds(former.store.records, "list")).toEqual([ALICE]);
      });
    }),
  );
});
