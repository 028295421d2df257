import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

function tracking(m: Marbles, options: SetUp = {}) {
  const under = setUp(m, options);
  const names$ = under.tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")));
  return { ...under, names$ };
}

describe("trackedUsers$", () => {
  it(
    "has our own user from the start",
    marbles((m) => {
      const { names$ } = tracking(m, { connected: false });
      m.expectObservable(names$).toBe("a", { a: "alice" });
    }),
  );

  it(
    "keeps our own user if the server lists them in left",
    marbles((m) => {
      const { names$ } = tracking(m, { sync$: m.hot("-x", { x: left(ALICE) }) });
      m.expectObservable(names$).toBe("a-", { a: "alice" });
    }),
  );

  it(
    "follows steps, and replays the current set",
    marbles((m) => {
      const { names$ } = tracking(m, { sync$: m.hot("-x-y-", { x: changed(BOB, CAROL), y: left(BOB) }) });
      const sets = { a: "alice", x: "alice bob carol", y: "alice carol" };
      m.expectObservable(names$, "^-----").toBe("ax-y-", sets);
      m.expectObservable(names$, "--^---").toBe("--xy-", sets);
      m.expectObservable(names$, "----^-").toBe("----y", sets);
    }),
  );

  it(
    "does not emit for steps that leave the set as it is",
    marbles((m) => {
      const { names$ } = tracking(m, { tracked: [BOB], sync$: m.hot("-x-y", { x: changed(BOB), y: left(DAVE) }) });
      m.expectObservable(names$).toBe("a---", { a: "alice bob" });
    }),
  );

  it(
    "does not emit the same set again after a gap that could not be closed",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: { since: "s5", next_batch: "s6" }, y: { since: "s8", next_batch: "s9" } });
      const { names$ } = tracking(m, { tracked: [BOB], sync$, gaps: "distrust" });
      m.expectObservable(names$).toBe("ab", { a: "alice bob", b: "alice" });
    }),
  );

  it(
    "does not emit the same set again after tracking and untracking at once",
    marbles((m) => {
      const { names$, tracker } = tracking(m, { tracked: [BOB] });
      tracker.deviceChanges$.subscribe();
      m.acts("-a", {
        a: () => {
          tracker.untrack([BOB]).subscribe();
          tracker.track([BOB]).subscribe();
        },
      });
      m.expectObservable(names$).toBe("a(ba)", { a: "alice bob", b: "alice" });
    }),
  );

  it(
    "emits once for a step that tracks one user and untracks another",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: step("s1", { changed: [CAROL], left: [BOB] }) });
      const { names$ } = tracking(m, { tracked: [BOB], sync$ });
      m.expectObservable(names$).toBe("ax", { a: "alice bob", x: "alice carol" });
    }),
  );

  it(
    "does not change a set that it has emitted",
    marbles((m) => {
      const { tracker } = tracking(m, { sync$: m.hot("-x-y", { x: changed(BOB), y: left(BOB) }) });
      const sets: ReadonlySet<string>[] = [];
      tracker.trackedUsers$.subscribe((users) => sets.push(users));
      m.afterwards(() => {
        expect(sets.map((users) => [...users])).toEqual([[ALICE], [ALICE, BOB], [ALICE]]);
      });
    }),
  );

  it(
    "gives all subscribers the same set object",
    marbles((m) => {
      const { tracker } = tracking(m, { tracked: [BOB] });
      const sets = new Set<ReadonlySet<string>>();
      for (let i = 0; i < 3; i++) tracker.trackedUsers$.subscribe((set) => sets.add(set));
      expect(sets.size).toBe(1);
    }),
  );
});
