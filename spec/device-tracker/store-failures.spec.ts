import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { listKey, stateKey, SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed, step } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });

/** A tracker whose store works until the test begins; what it is told to do after that is up to the test. */
function withStore(m: Marbles, setUp: TrackerSetUp = {}) {
  const store = new ScriptedStore({ scheduler: m.scheduler });
  const under = trackerIn(m, { tracking: [BOB, CAROL], store, ...setUp });
  const failTimes = (times: number, operation: "read" | "update" = "update") => {
    for (let i = 0; i < times; i++) store.failNext("the disk is full", operation);
  };
  const tokens$ = under.tracker.synced$.pipe(map(({ next_batch }) => next_batch));
  return { ...under, store, failTimes, tokens$ };
}

describe("a commit that fails", () => {
  it(
    "is tried again after 1 s, and synced$ waits for it",
    marbles((m) => {
      const { tokens$, failTimes, problems$, problems } = withStore(m, {
        sync$: m.hot("-x-", { x: step("s1", { changed: [BOB] }) }),
      });
      failTimes(1);
      m.expectObservable(tokens$).toBe("- 1s x", { x: "s1" });
      m.expectObservable(problems$).toBe("-p", { p: "commit-failed" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: "the disk is full", retryIn: 1_000 }]);
      });
    }),
  );

  it(
    "is tried again and again, after waits that double up to 60 s",
    marbles((m) => {
      const { tokens$, failTimes, problems } = withStore(m, { sync$: m.hot("x-", { x: step("s1") }) });
      failTimes(9);
      m.expectObservable(tokens$).toBe("243s x", { x: "s1" });
      m.afterwards(() => {
        expect(problems.map((problem) => problem.type === "commit-failed" && problem.retryIn)).toEqual(
          [1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1_000),
        );
      });
    }),
  );

  it(
    "starts from 1 s again after a success",
    marbles((m) => {
      const { tokens$, failTimes } = withStore(m, { sync$: m.hot("x 4s y", { x: step("s1"), y: step("s2") }) });
      failTimes(2);
      m.acts("4s f", { f: () => failTimes(1) });
      m.expectObservable(tokens$).toBe("3s x 2000ms y", { x: "s1", y: "s2" });
    }),
  );

  it(
    "lets the steps that come meanwhile merge into the next try",
    marbles((m) => {
      const sync$ = m.hot("x-y-z", {
        x: step("s1", { changed: [BOB] }),
        y: step("s2"),
        z: step("s3", { changed: [CAROL] }),
      });
      const { tokens$, failTimes, store } = withStore(m, { sync$ });
      failTimes(1);
      const before = store.begun.update;
      m.expectObservable(tokens$).toBe("1s (xyz)", { x: "s1", y: "s2", z: "s3" });
      m.afterwards(() => {
        expect(store.begun.update - before).toBe(2);
        expect(saved(store.records, SYNC)).toMatchObject({ token: "s3" });
      });
    }),
  );

  it(
    "leaves the saved token and the invalidations where they were, together",
    marbles((m) => {
      const { failTimes, store } = withStore(m, { sync$: m.hot("-x---", { x: step("s1", { changed: [BOB] }) }) });
      failTimes(1);
      const before = saved(store.records, stateKey(BOB));
      m.acts("---c", {
        c: () => {
          expect(saved(store.records, SYNC)).not.toHaveProperty("token");
          expect(saved(store.records, stateKey(BOB))).toEqual(before);
        },
      });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toHaveProperty("token", "s1");
        expect(saved(store.records, stateKey(BOB))).not.toEqual(before);
      });
    }),
  );

  it(
    "does not keep lookups from going on from memory",
    marbles((m) => {
      const sync$ = m.hot("                        -x         ", { x: changed(BOB) });
      const bob$ = m.cold("                          --(b|)    ", { b: B1 });
      const { lookup, failTimes, asked$, problems$ } = withStore(m, { sync$, answers: [bob$] });
      failTimes(1);
      m.expectObservable(lookup([BOB]), "          --^------").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "          ------^--").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("            --b", { b: "bob" });
      m.expectObservable(problems$).toBe("         -c--s", { c: "commit-failed", s: "save-failed" });
    }),
  );

  it(
    "has saves fail at once, which must not pass it; the store's next life does not know the list",
    marbles((m) => {
      const { lookup, failTimes, store } = withStore(m, {
        sync$: m.hot("x-", { x: changed(BOB) }),
        answers: [m.cold("-(b|)", { b: B1 })],
      });
      failTimes(1);
      m.expectObservable(lookup([BOB]), "-^-").toBe("--(b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );

  it(
    "is over once it succeeds: lists are saved again",
    marbles((m) => {
      const { lookup, failTimes, store } = withStore(m, { sync$: m.hot("x-", { x: changed(BOB) }), answers: [of(B1)] });
      failTimes(1);
      m.expectObservable(lookup([BOB]), "1001ms ^-").toBe("1001ms (b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeDefined();
      });
    }),
  );

  it(
    "of track() is tried again too, and track() waits",
    marbles((m) => {
      const { tracker, failTimes } = withStore(m, { tracking: [BOB] });
      failTimes(1);
      m.expectObservable(tracker.track([CAROL]), "-^-").toBe("- 1s |");
    }),
  );

  it(
    "is waited for by a track() of users who are tracked already: they may be so in memory only",
    marbles((m) => {
      const { tracker, failTimes } = withStore(m, { tracking: [BOB], sync$: m.hot("-x", { x: changed(CAROL) }) });
      failTimes(1);
      m.expectObservable(tracker.track([CAROL]), "--^-").toBe("- 1s |");
    }),
  );

  it(
    "does not keep changes from being announced",
    marbles((m) => {
      const { tracker, failTimes } = withStore(m, { sync$: m.hot("-x-y", { x: changed(BOB), y: changed(CAROL) }) });
      failTimes(2);
      m.expectObservable(tracker.deviceChanges$.pipe(map(({ changed: users }) => users.map(localpart).join(" ")))).toBe(
        "-x-y",
        { x: "bob", y: "carol" },
      );
    }),
  );
});

describe("a read that fails", () => {
  it(
    "has the server asked, and is told",
    marbles((m) => {
      const { store, lookup } = withStore(m, { answers: [of(B1)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
      const again = trackerIn(m, { store, answers: [m.cold("-(b|)", { b: B2 })] });
      m.acts("-f", { f: () => store.failNext("broken", "read") });
      m.expectObservable(again.lookup([]), "^------").toBe("(b|)", { b: [] });
      m.expectObservable(again.lookup([BOB]), "--^----").toBe("---(b|)", { b: ["bob B2 current"] });
      m.expectObservable(again.problems$).toBe("--p", { p: "read-failed" });
    }),
  );

  it(
    "gives getKnownDeviceKeys what memory has",
    marbles((m) => {
      const { store, lookup, known, problems$, failTimes } = withStore(m, { answers: [of(B1)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
      m.acts("-f", { f: () => failTimes(1, "read") });
      m.expectObservable(known([BOB, CAROL]), "--^-").toBe("--(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("--p", { p: "read-failed" });
      m.afterwards(() => {
        expect(store.begun.read).toBeGreaterThan(0);
      });
    }),
  );
});
