import { defer, EMPTY, ignoreElements, interval, map, merge, mergeMap, of, Subject, take, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { stateKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed, left } from "../support/wire.js";
import { answering } from "./account-in.js";

const OLD = answer({ [BOB]: ["OLD"] });
const NEW = answer({ [BOB]: ["NEW"] });

const lists = {
  o: ["bob OLD current"],
  n: ["bob NEW current"],
  l: ["bob OLD untracked"],
};

describe("a watcher whose look-ups overlap", () => {
  it(
    "shows the answer of the later one, and not the older one that comes after it",
    marbles((m) => {
      const sync$ = m.hot("  15s x            ", { x: changed(BOB) });
      const slow$ = m.cold(" 30s (o|)         ", { o: OLD });
      const quick$ = m.cold("     1s (n|)     ", { n: NEW });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [slow$, quick$] });
      m.expectObservable(watch([BOB]), "^ 100s !").toBe("16s n", lists);
    }),
  );

  it(
    "does not go back where it has shown the user before both",
    marbles((m) => {
      const sync$ = m.hot("  20s x 15s y      ", { x: changed(BOB), y: changed(BOB) });
      const slow$ = m.cold("     30s (o|)     ", { o: answer({ [BOB]: ["BETWEEN"] }) });
      const quick$ = m.cold("          1s (n|)", { n: NEW });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(OLD), slow$, quick$] });
      m.expectObservable(watch([BOB]), "^ 200s !").toBe("o 36000ms n", lists);
    }),
  );

  it(
    "tells nothing of the older one's failure after the later one's success, and does not ask again for it",
    marbles((m) => {
      const sync$ = m.hot("  15s x            ", { x: changed(BOB) });
      const slow$ = m.cold(" 30s #            ");
      const quick$ = m.cold("     1s (n|)     ", { n: NEW });
      const { watch, asked$, problems$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [slow$, quick$] });
      m.expectObservable(watch([BOB]), "^ 500s !").toBe("16s n", lists);
      m.expectObservable(asked$).toBe("q 14999ms q", { q: "bob" });
      m.expectObservable(problems$).toBe("-");
    }),
  );
});

describe("a watched user whose list the store refuses, for another tab has committed a change", () => {
  it(
    "is asked for again at once, and the next time after 30 s, then 60 s: two tabs could keep each other asking",
    marbles((m) => {
      const records = memoryStore();
      const answers = ["A", "B", "C", "D"].map((device) => m.cold("--(x|)", { x: answer({ [BOB]: [device] }) }));
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB], store: records, answers });
      const committed = (revision: number) => () => {
        put(records, [stateKey(BOB), { revision }]);
      };
      m.acts("-a-b 29s 999ms c", { a: committed(11), b: committed(12), c: committed(13) });
      m.expectObservable(watch([BOB]), "^ 10m !").toBe("----b 30001ms c 60001ms d", {
        b: ["bob B superseded"],
        c: ["bob C superseded"],
        d: ["bob D current"],
      });
      m.expectObservable(asked$).toBe("q-q 30001ms q 60001ms q", { q: "bob" });
    }),
  );
});

describe("watchers in two tabs, of a server that announces users because they were asked for", () => {
  it.each([0, 12])("do not keep each other asking for ever, the second one having begun %d s later", (later) => {
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const store = memoryStore();
      let position = 1;
      let queries = 0;
      const query = () =>
        defer(() => {
          queries++;
          timer(5, m.scheduler).subscribe(() => {
            sync$.next(answering(`s${position}`, `s${++position}`, { changed: [BOB] }));
          });
          return timer(2, m.scheduler).pipe(map(() => OLD));
        });
      const [one, other] = [0, 1].map(() => trackerIn(m, { sync$, store, keysApi: { query, changes: () => EMPTY } }));
      sync$.next(answering(null, "s1", { changed: [BOB] }));
      m.expectObservable(
        merge(one!.watch([BOB]), timer(later * 1_000, m.scheduler).pipe(mergeMap(() => other!.watch([BOB])))).pipe(
          ignoreElements(),
        ),
        "^ 120m !",
      ).toBe("-");
      m.afterwards(() => {
        expect(queries).toBeLessThanOrEqual(24); // 30 s, 1 min … 30 min, of two tabs
      });
    })();
  });
});

describe("a watched user who leaves while they are being looked up", () => {
  it(
    "is untracked in the end, not superseded for ever",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: left(BOB) });
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [m.cold("----(o|)", { o: OLD })] });
      m.expectObservable(watch([BOB]), "^ 180m !").toBe("----l", lists);
      m.expectObservable(asked$).toBe("q", { q: "bob" });
    }),
  );
});

describe("a change that cannot be an echo of a query", () => {
  it(
    "is asked about at once where it comes while the user's list is only being read from the store",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      trackerIn(m, { store, tracking: [BOB], answers: [of(OLD)] })
        .lookup([BOB])
        .subscribe();
      const { watch, lookup, asked$ } = trackerIn(m, {
        store,
        sync$: m.hot("30s x", { x: changed(BOB) }),
        answers: [of(NEW)],
      });
      lookup([]).subscribe(); // loads the saved state
      store.takes = 20;
      m.expectObservable(watch([BOB]), "29990ms ^ 10m !").toBe("30070ms n", lists); // 10 ms left of the read, then two transactions: the first finds an old device to be forgotten
      m.expectObservable(asked$).toBe("30s q", { q: "bob" });
    }),
  );

  it(
    "is asked about at once where it comes while only other users are asked for",
    marbles((m) => {
      const sync$ = m.hot("           51s x", { x: changed(BOB) });
      const carol$ = m.cold("     50s 5s (c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { watch, lookup, asked$ } = trackerIn(m, {
        tracking: [BOB, CAROL],
        sync$,
        answers: [of(OLD), carol$, of(NEW)],
      });
      lookup([BOB]).subscribe();
      m.expectObservable(watch([BOB, CAROL]), "50s ^ 10m !").toBe("105s x", {
        x: ["bob NEW current", "carol C1 current"],
      });
      m.expectObservable(asked$).toBe("b 49999ms c 999ms b", { b: "bob", c: "carol" });
    }),
  );
});

describe("a server that announces users because they were asked for", () => {
  it(
    "does not have two watchers of one user keep each other asking",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const queriedAt: number[] = [];
      const query = () =>
        defer(() => {
          queriedAt.push(m.scheduler.now());
          timer(5, m.scheduler).subscribe(() => sync$.next(changed(BOB)));
          return of(OLD);
        });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, keysApi: { query, changes: () => EMPTY } });
      m.expectObservable(watch([BOB]), "^ 120m !").toBe("o", lists);
      m.expectObservable(watch([BOB]), "12s ^ 120m !").toBe("12s o", lists);
      m.afterwards(() => {
        expect(queriedAt.length).toBeLessThanOrEqual(12); // waits that double; several hundred where each one's query is the other's announcement
      });
    }),
  );
});

describe("a watcher of a user who changes again and again", () => {
  /** Watches the user for a quarter of an hour, in which they change so often; the greatest number of timers at any time, and how many are left. */
  function timersOf(
    m: Marbles,
    userId: UserId,
    keysApi: KeysApi,
    every: number,
    shown: string,
  ): { most: number; left: number } {
    const sync$ = new Subject<SyncResponse>();
    const scheduler = new CountingScheduler(m.scheduler);
    const timers = { most: 0, left: Number.NaN };
    const { watch } = trackerIn(m, { scheduler, tracking: [userId], sync$, keysApi });
    m.expectObservable(watch([userId]), "^ 15m !").toBe("x", { x: [shown] });
    interval(every, m.scheduler)
      .pipe(take(Math.floor(800_000 / every)))
      .subscribe(() => {
        sync$.next(changed(userId));
        timers.most = Math.max(timers.most, scheduler.pending);
      });
    m.acts("16m a", { a: () => (timers.left = scheduler.pending) });
    return timers;
  }

  it(
    "and cannot be asked for, keeps one timer, and none when it is unsubscribed",
    marbles((m) => {
      const keysApi = { query: () => of(answer({}, ["down.example"])), changes: () => EMPTY };
      const timers = timersOf(m, EVE, keysApi, 11_000, "eve - unreachable");
      m.afterwards(() => {
        expect(timers).toEqual({ most: 1, left: 0 });
      });
    }),
  );

  it(
    "and may do so because of our queries, keeps one timer, and none when it is unsubscribed",
    marbles((m) => {
      const timers = timersOf(m, BOB, { query: () => of(OLD), changes: () => EMPTY }, 4_000, "bob OLD current");
      m.afterwards(() => {
        expect(timers).toEqual({ most: 1, left: 0 });
      });
    }),
  );
});
