import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { listKey, SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, step } from "../support/wire.js";

/** Bob and Carol are tracked. Commits fail as often as given, from the start of virtual time on. */
function failing(m: Marbles, times: number, options: SetUp = {}) {
  const devices = { [BOB]: ["B1"], [CAROL]: ["C1"] };
  const under = setUp(m, { tracked: [BOB, CAROL], devices, ...options });
  const fail = (more: number) => {
    for (let i = 0; i < more; i++) under.store.failNext("the disk is full", "update");
  };
  fail(times);
  return { ...under, fail };
}

const retryWaits = (problems: readonly { readonly type: string }[]) =>
  problems.flatMap((problem) => ("retryIn" in problem ? [problem.retryIn] : []));

describe("a commit that fails", () => {
  it(
    "is retried after 1 s, and synced$ waits for it",
    marbles((m) => {
      const { synced$, problems$, problems } = failing(m, 1, { sync$: m.hot("-x", { x: changed(BOB) }) });
      m.expectObservable(synced$).toBe("- 1s x", { x: "s1" });
      m.expectObservable(problems$).toBe("-p", { p: "commit-failed" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: "the disk is full", retryIn: 1_000 }]);
      });
    }),
  );

  it(
    "is retried after waits that double up to 60 s",
    marbles((m) => {
      const { synced$, problems } = failing(m, 9, { sync$: m.hot("x", { x: step("s1") }) });
      m.expectObservable(synced$).toBe("243s x", { x: "s1" });
      m.afterwards(() => {
        const seconds = [1, 2, 4, 8, 16, 32, 60, 60, 60];
        expect(retryWaits(problems)).toEqual(seconds.map((s) => s * 1_000));
      });
    }),
  );

  it(
    "is retried together with the steps that have come since",
    marbles((m) => {
      const sync$ = m.hot("x-y-z", { x: step("s1"), y: step("s2"), z: step("s3", { changed: [CAROL] }) });
      const { synced$, store } = failing(m, 1, { sync$ });
      m.expectObservable(synced$).toBe("1s (xyz)", { x: "s1", y: "s2", z: "s3" });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ token: "s3" });
      });
    }),
  );

  it(
    "leaves the saved token and the invalidations as they were, together",
    marbles((m) => {
      const { store } = failing(m, 1, { sync$: m.hot("-x", { x: changed(BOB) }) });
      const log = () => savedIds(store.records, "log").length;
      const before = log();
      m.acts("--c", {
        c: () => {
          expect(saved(store.records, SYNC)).toHaveProperty("token", "s0");
          expect(log()).toBe(before);
        },
      });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toHaveProperty("token", "s1");
        expect(log()).toBe(before + 1);
      });
    }),
  );

  it(
    "lets lookups go on from memory, whose lists cannot be saved in the meantime",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { lookup, store, problems$, expectQueries } = failing(m, 1, { sync$, answerAfter: 2 });
      m.expectObservable(lookup([BOB]), "--^---").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("-c--s", { c: "commit-failed", s: "save-failed" });
      expectQueries("2-4 bob");
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );

  it(
    "does not delay the announcements of changes",
    marbles((m) => {
      const { tracker } = failing(m, 1, { sync$: m.hot("-x-y", { x: changed(BOB), y: changed(CAROL) }) });
      const names$ = tracker.deviceChanges$.pipe(map(({ changed: users }) => users.map(localpart).join(" ")));
      m.expectObservable(names$).toBe("-x-y", { x: "bob", y: "carol" });
    }),
  );

  it(
    "delays track() until its own commit has succeeded",
    marbles((m) => {
      const { tracker } = failing(m, 1, { tracked: [BOB] });
      m.expectObservable(tracker.track([CAROL]), "-^").toBe("- 1s |");
    }),
  );

  it(
    "delays a track() of users who are tracked only in memory so far",
    marbles((m) => {
      const { tracker } = failing(m, 1, { tracked: [BOB], sync$: m.hot("-x", { x: changed(CAROL) }) });
      m.expectObservable(tracker.track([CAROL]), "--^").toBe("- 1s |");
    }),
  );
});

describe("a commit that succeeds after failures", () => {
  it(
    "lets the waits start from 1 s again",
    marbles((m) => {
      const { synced$, fail } = failing(m, 2, { sync$: m.hot("x 4s y", { x: step("s1"), y: step("s2") }) });
      m.acts("4s f", { f: () => fail(1) });
      m.expectObservable(synced$).toBe("3s x 2000ms y", { x: "s1", y: "s2" });
    }),
  );

  it(
    "lets lists be saved again",
    marbles((m) => {
      const { lookup, store } = failing(m, 1, { sync$: m.hot("x", { x: changed(BOB) }) });
      m.expectObservable(lookup([BOB]), "1001ms ^").toBe("1001ms (b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeDefined();
      });
    }),
  );
});
