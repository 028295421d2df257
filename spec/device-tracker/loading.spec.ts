import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { restarted, setUp, type SetUp } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

const current = { b: ["bob B1 current"] };

/** An earlier page fetched Bob's list, who is tracked, and had been given these responses. */
function earlierPage(m: Marbles, options: SetUp = {}) {
  const under = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] }, ...options });
  under.lookup([BOB]).subscribe();
  return under;
}

/** The page after it, whose store takes as long for each operation as given: loading takes two. */
function laterPage(m: Marbles, takes: number, options: SetUp = {}) {
  const first = earlierPage(m);
  const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records, takes });
  return restarted(m, first, { connected: false, store, ...options });
}

describe("the saved state", () => {
  it(
    "is loaded at first use: lookups work before connect()",
    marbles((m) => {
      const { lookup, expectQueries } = laterPage(m, 0);
      m.expectObservable(lookup([BOB])).toBe("(b|)", current);
      expectQueries();
    }),
  );

  it(
    "is loaded once for all that wait for it",
    marbles((m) => {
      const { tracker, lookup, store } = laterPage(m, 2);
      m.expectObservable(lookup([BOB]), "^-").toBe("------(b|)", current);
      m.expectObservable(lookup([]), "   -^").toBe("----(b|)", { b: [] });
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("----2", { 2: 2 });
      m.afterwards(() => {
        expect(store.begun).toMatchObject({ readKinds: 1, update: 0 });
      });
    }),
  );

  it(
    "is loaded anew if all callers unsubscribe before it is there",
    marbles((m) => {
      const { lookup, store } = laterPage(m, 4);
      m.expectObservable(lookup([BOB]), "^--!----").toBe("---");
      m.expectObservable(lookup([BOB]), "-------^").toBe("-------------------(b|)", current);
      m.afterwards(() => {
        expect(store.begun).toMatchObject({ readKinds: 1, read: 3 });
      });
    }),
  );

  it(
    "has the changes that the page before was given",
    marbles((m) => {
      const first = earlierPage(m, { sync$: m.hot("-x-y", { x: changed(BOB), y: left(BOB) }) });
      for (const [frame, summary] of [
        ["--", "bob B1 outdated"],
        ["----", ""],
      ] as const) {
        const { known } = restarted(m, first, { connected: false });
        m.expectObservable(known([BOB]), `${frame}^`).toBe(`${frame}(b|)`, { b: summary === "" ? [] : [summary] });
      }
    }),
  );

  it(
    "has the token from which the sync loop resumes",
    marbles((m) => {
      const { store } = earlierPage(m, { sync$: m.hot("-x", { x: step("s1") }) });
      m.expectObservable(store.syncToken$).toBe("(t|)", { t: "s0" });
      m.expectObservable(store.syncToken$, "--^").toBe("--(t|)", { t: "s1" });
    }),
  );

  it(
    "does not hold the lists: one that cannot be read is queried",
    marbles((m) => {
      const { lookup, store, problems$, expectQueries } = laterPage(m, 0);
      lookup([]).subscribe();
      store.failNext("broken", "read");
      m.expectObservable(lookup([BOB])).toBe("(b|)", current);
      m.expectObservable(problems$).toBe("p", { p: "read-failed" });
      expectQueries("0-0 bob");
    }),
  );
});

describe("a response that arrives while the saved state is being loaded", () => {
  const bobChanged = { since: "s1", next_batch: "s2", device_lists: { changed: [BOB] } };

  it(
    "is applied before lookups made after it",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: bobChanged });
      const { lookup, expectQueries } = laterPage(m, 3, { sync$, connected: true });
      m.expectObservable(lookup([BOB]), "--^").toBe("------------(b|)", current);
      expectQueries("6-6 bob");
    }),
  );

  it(
    "is applied before lookups made before it, which started loading",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: bobChanged });
      const { tracker, lookup, expectQueries } = laterPage(m, 3, { sync$ });
      m.acts("             -c", { c: () => tracker.connect() });
      m.expectObservable(lookup([BOB])).toBe("------------(b|)", current);
      m.expectObservable(tracker.deviceChanges$).toBe("------x", { x: { changed: [BOB], left: [] } });
      expectQueries("6-6 bob");
    }),
  );

  it(
    "is emitted in its turn, and synced",
    marbles((m) => {
      const sync$ = m.hot("-x-y", {
        x: bobChanged,
        y: { since: "s2", next_batch: "s3", device_lists: { changed: [CAROL] } },
      });
      const { tracker, synced$ } = laterPage(m, 3, { sync$, connected: true });
      const names$ = tracker.deviceChanges$.pipe(map(({ changed: users }) => users.map(localpart).join(" ")));
      m.expectObservable(names$).toBe("------(xy)", { x: "bob", y: "carol" });
      m.expectObservable(synced$).toBe("---------x--y", { x: "s2", y: "s3" });
    }),
  );

  it(
    "comes before the end of sync$",
    marbles((m) => {
      const sync$ = m.hot("-x#", { x: bobChanged }, "logged out");
      const { synced$ } = laterPage(m, 3, { sync$, connected: true });
      m.expectObservable(synced$).toBe("---------(x#)", { x: "s2" }, "logged out");
    }),
  );

  it(
    "and changes of the application keep their order",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { ...bobChanged, device_lists: { left: [BOB] } } });
      const { tracker } = laterPage(m, 3, { sync$, connected: true });
      m.expectObservable(tracker.track([BOB]), "--^").toBe("------------|");
      m.expectObservable(tracker.trackedUsers$, "---------^").toBe("---------u", { u: new Set([ALICE, BOB]) });
    }),
  );
});
