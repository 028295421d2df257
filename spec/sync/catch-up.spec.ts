import { map, NEVER, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists, SyncResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";

const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });
const B2 = answer({ [BOB]: ["B2"] });
const bobAndCarol = ["bob B1 current", "carol C1 current"];
const from = (since: string | undefined, token: string, lists: DeviceLists = {}): SyncResponse => ({
  next_batch: token,
  device_lists: lists,
  ...(since !== undefined && { since }),
});

/** Memory stands on `s1`, with Bob and Carol; the next step answers `s5`. */
const start = from(undefined, "s1", { changed: [BOB, CAROL] });
const gap = from("s5", "s6", { changed: [DAVE] });
const told = (lists: DeviceLists) => of(lists);

describe("a step that answers another token than memory stands on", () => {
  it(
    "has the server asked who changed in between: they are outdated, and nobody else",
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: start, y: gap });
      const { lookup, asked$, problems } = trackerIn(m, {
        sync$,
        answers: [of(both), of(B2)],
        changes: () => told({ changed: [BOB] }),
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^----").toBe("-(x|)", { x: bobAndCarol });
      m.expectObservable(lookup([BOB, CAROL]), "----^-").toBe("----(x|)", {
        x: ["bob B2 current", "carol C1 current"],
      });
      m.expectObservable(asked$).toBe("-x--b", { x: "bob carol", b: "bob" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s1", to: "s5", caughtUp: true }]);
      });
    }),
  );

  it(
    "asks from the saved token to the one that the step answers",
    marbles((m) => {
      const ranges: unknown[] = [];
      const changes: KeysApi["changes"] = (range) => {
        ranges.push(range);
        return told({});
      };
      trackerIn(m, { sync$: m.hot("x--y--", { x: start, y: gap }), changes });
      m.afterwards(() => {
        expect(ranges).toEqual([{ from: "s1", to: "s5" }]);
      });
    }),
  );

  it(
    "waits with lookups and steps until that is known, and applies the missed steps first",
    marbles((m) => {
      const sync$ = m.hot("        x--y-z----", { x: start, y: gap, z: from("s6", "s7", { changed: [CAROL] }) });
      const changes$ = m.cold("       ---(c|)", { c: { left: [BOB] } });
      const { lookup, tracker } = trackerIn(m, { sync$, answers: [of(both), of(answer({}))], changes: () => changes$ });
      const announced$ = tracker.deviceChanges$.pipe(
        map(({ changed, left }) => `${changed.map(localpart).join(" ")}-${left.map(localpart).join(" ")}`),
      );
      m.expectObservable(lookup([BOB, CAROL]), "-^---------").toBe("-(x|)", { x: bobAndCarol });
      m.expectObservable(lookup([BOB]), "       ----^------").toBe("------(x|)", { x: ["bob - untracked"] });
      m.expectObservable(announced$).toBe("x-----(yzw)", { x: "bob carol-", y: "-bob", z: "dave-", w: "carol-" });
      m.expectSubscriptions(changes$.subscriptions).toBe("---^--!");
    }),
  );

  it(
    "makes a query superseded that was in flight: its answer may be older than what was missed",
    marbles((m) => {
      const sync$ = m.hot("-x--y---", { x: start, y: gap });
      const { lookup } = trackerIn(m, { sync$, answers: [m.cold("----(x|)", { x: both })], changes: () => told({}) });
      m.expectObservable(lookup([BOB]), "--^-----").toBe("------(b|)", { b: ["bob B1 superseded"] });
    }),
  );

  it(
    "makes superseded what a lookup gives while it is not known what was missed",
    marbles((m) => {
      const sync$ = m.hot("x---y-----", { x: start, y: gap });
      const { lookup } = trackerIn(m, {
        sync$,
        answers: [of(both), m.cold("----(d|)", { d: answer({}) })],
        changes: () => m.cold("------(c|)", { c: {} }),
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^--------").toBe("-(x|)", { x: bobAndCarol });
      m.expectObservable(lookup([BOB, DAVE]), " --^-------").toBe("------(x|)", {
        x: ["bob B1 superseded", "dave - untracked"],
      });
    }),
  );

  it.each<[string, KeysApi["changes"]]>([
    ["fails", () => throwError(() => new Error("no network"))],
    ["answers nonsense", () => told({ changed: 5 } as unknown as DeviceLists)],
    [
      "throws",
      () => {
        throw new Error("not connected");
      },
    ],
  ])("makes everyone outdated where the server %s", (_, changes) => {
    marbles((m) => {
      const sync$ = m.hot("x--y--", { x: start, y: gap });
      const { lookup, problems } = trackerIn(m, { sync$, answers: [of(both), of(both)], changes });
      m.expectObservable(lookup([BOB, CAROL]), "-^----").toBe("-(x|)", { x: bobAndCarol });
      m.expectObservable(lookup([BOB, CAROL]), "----^-").toBe("----(x|)", { x: bobAndCarol });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", caughtUp: false, error: expect.any(Error) as Error }]);
      });
    })();
  });

  it(
    "makes everyone outdated where the server never answers, after queryDeadline",
    marbles((m) => {
      const sync$ = m.hot("x--y------", { x: start, y: gap });
      const { lookup, tracker } = trackerIn(m, { sync$, answers: [of(both)], changes: () => NEVER, queryDeadline: 4 });
      m.expectObservable(lookup([BOB, CAROL]), "----^-----").toBe("-------(x|)", { x: bobAndCarol });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("x------y", {
        x: "s1",
        y: "s6",
      });
    }),
  );

  it(
    "asks nobody where another tab has been given the missing steps: memory takes over the store's state",
    marbles((m) => {
      const store = memoryStore();
      const x = from(undefined, "s1", { changed: [BOB, CAROL] });
      const other$ = m.hot("x-y---", { x, y: from("s1", "s5", { changed: [BOB] }) });
      const frozen$ = m.hot("x---z-", { x, z: from("s5", "s6") });
      trackerIn(m, { store, sync$: other$ });
      const { lookup, problems } = trackerIn(m, { store, sync$: frozen$, answers: [of(both), of(B2)] });
      m.expectObservable(lookup([BOB, CAROL]), "-^----").toBe("-(x|)", { x: bobAndCarol });
      m.expectObservable(lookup([BOB, CAROL]), "-----^").toBe("-----(x|)", {
        x: ["bob B2 current", "carol C1 current"],
      });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "emits the response on synced$ once the missed steps and it are durable",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        store,
        sync$: m.hot("x--y--", { x: start, y: gap }),
        changes: () => m.cold("--(c|)", { c: { changed: [BOB] } }),
      });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("x----y", {
        x: "s1",
        y: "s6",
      });
      m.expectObservable(store.records.syncToken$, "----^-").toBe("----(t|)", { t: "s1" });
    }),
  );
});
