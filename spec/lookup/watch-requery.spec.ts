import { ignoreElements, interval, of, Subject, take, type SchedulerLike } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { BOB } from "../support/users.js";
import { changed } from "../support/wire.js";
import { B1, B2, bobHas, SHOWN, watchingIn } from "./watching-in.js";

describe("an announced user", () => {
  it(
    "is queried at once, also right after a query of ours",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, { sync$: m.hot("-x", { x: changed(BOB) }), answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a(sb)", SHOWN);
      m.expectObservable(asked$).toBe("qq", { q: "bob" });
    }),
  );

  it(
    "who is announced twice within a second is seen as quickly the second time",
    marbles((m) => {
      // A login: announced first before its keys exist.
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("-----x 499ms y", { x: changed(BOB), y: changed(BOB) }),
        answers: [of(B1), m.cold("--(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a----s-a 497ms s-b", SHOWN);
      m.expectObservable(asked$).toBe("q----q 499ms q", { q: "bob" });
    }),
  );

  it(
    "is queried again at once if they change during their query",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("-x", { x: changed(BOB) }),
        answers: [m.cold("--(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("--sb", SHOWN);
      m.expectObservable(asked$).toBe("qq", { q: "bob" });
    }),
  );
});

describe("while a watcher waits before it queries an announced user", () => {
  /** Bob is announced at 10, 20, 30, 40 ms; the last time, the watcher waits for 1 s. */
  const waiting = (m: Marbles, setUp: { readonly scheduler?: SchedulerLike } = {}) =>
    watchingIn(m, {
      ...setUp,
      sync$: m.hot("10ms x 9ms x 9ms x 9ms x", { x: changed(BOB) }),
      answers: [of(B1), of(B1), of(B1), of(B1), of(B2)],
    });

  it(
    "it shows the user as superseded",
    marbles((m) => {
      m.expectObservable(waiting(m).watch([BOB]), "^ 2s !").toBe("a 9ms (sa) 6ms (sa) 6ms (sa) 6ms s 999ms b", SHOWN);
    }),
  );

  it(
    "further announcements do not prolong the wait, or begin another",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch, asked$, tracker } = waiting(m, { scheduler });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 2s !").toBe("-");
      m.acts("100ms i 99ms i 699ms i", { i: () => tracker.invalidate([BOB]).subscribe() });
      m.acts("950ms t", { t: () => expect(scheduler.pending).toBe(1) });
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 1009ms q", { q: "bob" });
    }),
  );

  it(
    "it shows what another caller fetches, and queries no more",
    marbles((m) => {
      const { watch, lookup, asked$ } = waiting(m);
      m.acts("500ms f", { f: () => lookup([BOB]).subscribe() });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60s !").toBe("-");
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 469ms q", { q: "bob" });
    }),
  );

  it(
    "it leaves no timer behind when it is unsubscribed",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch } = waiting(m, { scheduler });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 100ms !").toBe("-");
      m.acts("90ms a 100ms b", {
        a: () => expect(scheduler.pending).toBe(1),
        b: () => expect(scheduler.pending).toBe(0),
      });
    }),
  );

  it(
    "a clock that is set back does not prolong the wait",
    marbles((m) => {
      let offset = 0;
      const scheduler = new CountingScheduler(m.scheduler);
      scheduler.now = () => m.scheduler.now() + offset;
      const { watch, asked$ } = waiting(m, { scheduler });
      m.acts("500ms b", { b: () => (offset = -3_600_000) });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60s !").toBe("-");
      m.expectObservable(asked$).toBe("q 9ms q 9ms q 9ms q 1009ms q", { q: "bob" });
    }),
  );
});

describe("a user who changes all the time", () => {
  const changingUser = (m: Marbles, scheduler: SchedulerLike) => {
    const sync$ = new Subject<SyncResponse>();
    const queriedAt: number[] = [];
    const query = () => of(bobHas(`B${queriedAt.push(m.scheduler.now())}`));
    const { watch } = watchingIn(m, { scheduler, sync$, keysApi: { query, changes: () => of({}) } });
    return { watch, queriedAt, change: () => sync$.next(changed(BOB)) };
  };

  it(
    "is queried at once 20 times, then once a second, with one timer",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch, queriedAt, change } = changingUser(m, scheduler);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 2m !").toBe("-");
      let most = 0;
      interval(100, m.scheduler)
        .pipe(take(1_000))
        .subscribe(() => {
          change();
          most = Math.max(most, scheduler.pending);
        });
      m.afterwards(() => {
        const gaps = queriedAt.slice(1).map((at, i) => at - (queriedAt[i] ?? 0));
        expect(gaps.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 100));
        expect(new Set(gaps.slice(25))).toEqual(new Set([1_000]));
        expect(most).toBe(1);
      });
    }),
  );

  it(
    "is shown with the last of many changes, which comes while the watcher waits",
    marbles((m) => {
      const { watch, queriedAt, change } = changingUser(m, m.scheduler);
      const shown: unknown[] = [];
      watch([BOB]).subscribe((lines) => shown.push(...lines));
      interval(10, m.scheduler).pipe(take(50)).subscribe(change);
      m.afterwards(() => {
        expect(shown.at(-1)).toBe(`bob B${queriedAt.length} current`);
        expect(queriedAt.at(-1)).toBeGreaterThan(500);
      });
    }),
  );
});
