import { map, merge, NEVER, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";
import { answering } from "./account-in.js";

const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });
const B2 = answer({ [BOB]: ["B2"] });
const BOTH = ["bob B1 current", "carol C1 current"];

/** A tracker on s1, which tracks Bob and Carol. Steps from s5 on come after a gap. */
const trackerOnS1 = (m: Marbles, { sync$ = NEVER, ...setUp }: TrackerSetUp) =>
  trackerIn(m, { ...setUp, sync$: merge(of(answering(null, "s1", { changed: [BOB, CAROL] })), sync$) });

const gap = (lists: DeviceLists = {}) => answering("s5", "s6", lists);
const missed =
  (lists: DeviceLists): KeysApi["changes"] =>
  () =>
    of(lists);

describe("a gap that the server can close", () => {
  it(
    "outdates the users who changed in it, and no other",
    marbles((m) => {
      const { lookup, asked$, problems } = trackerOnS1(m, {
        sync$: m.hot("---y", { y: gap({ changed: [DAVE] }) }),
        answers: [of(both), of(B2)],
        changes: missed({ changed: [BOB] }),
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^---").toBe("-(x|)", { x: BOTH });
      m.expectObservable(lookup([BOB, CAROL]), "----^").toBe("----(x|)", { x: ["bob B2 current", "carol C1 current"] });
      m.expectObservable(asked$).toBe("-x--b", { x: "bob carol", b: "bob" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s1", to: "s5", caughtUp: true }]);
      });
    }),
  );

  it(
    "holds up lookups and steps, which come after the missed changes",
    marbles((m) => {
      const changes$ = m.cold("   ---(c|)", { c: { left: [BOB] } });
      const sync$ = m.hot("    ---y-z", {
        y: gap({ changed: [DAVE] }),
        z: answering("s6", "s7", { changed: [CAROL] }),
      });
      const { lookup, tracker } = trackerOnS1(m, {
        sync$,
        answers: [of(both), of(answer({}))],
        changes: () => changes$,
      });
      const announced$ = tracker.deviceChanges$.pipe(
        map(({ changed, left }) => `${changed.map(localpart).join(" ")}-${left.map(localpart).join(" ")}`),
      );
      m.expectObservable(lookup([BOB]), "----^---").toBe("------(x|)", { x: ["bob B1 untracked"] });
      m.expectObservable(announced$).toBe("------(yzw)", { y: "-bob", z: "dave-", w: "carol-" });
      m.expectSubscriptions(changes$.subscriptions).toBe("---^--!");
    }),
  );

  it(
    "lets no lookup be current before it is closed",
    marbles((m) => {
      const { lookup } = trackerOnS1(m, {
        sync$: m.hot("----y", { y: gap() }),
        answers: [of(both), m.cold("----(d|)", { d: answer({}) })],
        changes: () => m.cold("------(c|)", { c: { changed: [] } }),
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^---").toBe("-(x|)", { x: BOTH });
      m.expectObservable(lookup([BOB, DAVE]), " --^--").toBe("------(x|)", {
        x: ["bob B1 superseded", "dave - untracked"],
      });
    }),
  );

  it(
    "does not hold up getKnownDeviceKeys and findDevice",
    marbles((m) => {
      const { lookup, known, tracker } = trackerOnS1(m, {
        sync$: m.hot("--y", { y: gap() }),
        answers: [of(both)],
        changes: () => NEVER,
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^").toBe("-(x|)", { x: BOTH });
      m.expectObservable(known([BOB]), "---^").toBe("---(x|)", { x: ["bob B1 outdated"] });
      m.expectObservable(tracker.findDevice("ed25519", "key"), "---^").toBe("---(x|)", { x: [] });
    }),
  );

  it(
    "is synced once the missed changes and its step are durable",
    marbles((m) => {
      const { tracker } = trackerOnS1(m, {
        sync$: m.hot("---y", { y: gap() }),
        changes: () => m.cold("--(c|)", { c: { changed: [BOB] } }),
      });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-----y", { y: "s6" });
    }),
  );

  it(
    "makes room for waiting users, as it supersedes queries in flight",
    marbles((m) => {
      const { lookup, asked$ } = trackerOnS1(m, {
        sync$: m.hot("---y", { y: gap() }),
        maxConcurrentQueries: 1,
        answers: [NEVER, of(answer({ [CAROL]: ["C1"] }))],
        changes: missed({ changed: [BOB] }),
      });
      m.expectObservable(lookup([BOB]), "  -^----!").toBe("-");
      m.expectObservable(lookup([CAROL]), "--^----").toBe("---(c|)", { c: ["carol C1 current"] });
      m.expectObservable(asked$).toBe("-b-c", { b: "bob", c: "carol" });
    }),
  );

  it(
    "has strings that are not user IDs in the answer reported",
    marbles((m) => {
      const changes = missed({ changed: ["nobody", BOB], left: ["@no-server"] });
      const { problems } = trackerOnS1(m, { sync$: m.hot("-y", { y: gap() }), changes });
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { type: "user-ids-refused", source: "keys_changes", userIds: ["nobody", "@no-server"], count: 2 },
          { type: "gap", caughtUp: true },
        ]);
      });
    }),
  );
});

describe("a gap that another tab has been given the steps of", () => {
  it(
    "is closed from the store: the server is not asked",
    marbles((m) => {
      const store = memoryStore();
      const start = of(answering(null, "s1", { changed: [BOB, CAROL] }));
      const other$ = merge(start, m.hot("--y", { y: answering("s1", "s5", { changed: [BOB] }) }));
      const frozen$ = m.hot("----z", { z: gap() });
      const setUp = { store, answers: [of(both), of(B2)] };
      const { lookup, problems } = trackerIn(m, { ...setUp, sync$: merge(start, frozen$) });
      trackerIn(m, { ...setUp, sync$: other$ });
      m.expectObservable(lookup([BOB, CAROL]), "-^---").toBe("-(x|)", { x: BOTH });
      m.expectObservable(lookup([BOB, CAROL]), "-----^").toBe("-----(x|)", {
        x: ["bob B2 current", "carol C1 current"],
      });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});

describe("a gap that cannot be closed", () => {
  it.each<[string, Partial<TrackerSetUp>]>([
    ["since the server fails", { changes: () => throwError(() => new Error("no network")) }],
    ["since the answer may hide changes", { changes: missed(null as never) }],
    ["since gaps are distrusted", { gaps: "distrust" }],
  ])("%s untracks all users but our own, and says so", (_, setUp) => {
    marbles((m) => {
      const { lookup, tracker, problems } = trackerOnS1(m, {
        ...setUp,
        sync$: m.hot("--y", { y: gap({ changed: [DAVE] }) }),
        answers: [of(both), of(both)],
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^--").toBe("-(x|)", { x: BOTH });
      m.expectObservable(lookup([BOB, CAROL]), "---^").toBe("---(x|)", {
        x: ["bob B1 untracked", "carol C1 untracked"],
      });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => [...users])), "---^!").toBe("---x", {
        x: [ALICE, DAVE],
      });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s1", to: "s5", caughtUp: false }]);
      });
    })();
  });

  it(
    "since the server does not answer is given up after queryDeadline",
    marbles((m) => {
      const { lookup, tracker } = trackerOnS1(m, {
        sync$: m.hot("---y", { y: gap() }),
        answers: [of(both)],
        changes: () => NEVER,
        queryDeadline: 4,
      });
      m.expectObservable(lookup([BOB]), "----^").toBe("-------(x|)", { x: ["bob B1 untracked"] });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-------y", { y: "s6" });
    }),
  );
});
