import { concat, defer, NEVER, of, Subject, throwError, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed, left } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });
const B3 = answer({ [BOB]: ["B3"] });
const down = answer({}, ["down.example"]);

const lists = {
  a: ["bob B1 current"],
  b: ["bob B2 current"],
  c: ["bob B3 current"],
  s: ["bob B1 superseded"],
  l: ["bob B1 untracked"],
  u: ["bob - unreachable"],
  k: ["bob - unreachable (last known B1)"],
};

/** A homeserver that announces a user 5 ms after each query for them, because of it. */
function echoing(
  m: Marbles,
  devices: () => ReturnType<typeof answer>,
): TrackerSetUp & { readonly queriedAt: number[] } {
  const sync$ = new Subject<SyncResponse>();
  const queriedAt: number[] = [];
  const query = () =>
    defer(() => {
      queriedAt.push(m.scheduler.now());
      if (queriedAt.length > 500) return NEVER; // a tracker that asks for ever must not keep us waiting
      timer(5, m.scheduler).subscribe(() => sync$.next(changed(BOB)));
      return of(devices());
    });
  return { tracking: [BOB], sync$, keysApi: { query, changes: () => NEVER }, queriedAt };
}

describe("watchDeviceKeys, what it emits", () => {
  it(
    "is everybody's list at first, once all are there, and no end",
    marbles((m) => {
      const bob$ = m.cold("  --(b|)", { b: B1 });
      const carol$ = m.cold("----(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { watch } = trackerIn(m, { tracking: [BOB, CAROL], answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(watch([BOB, CAROL]), "^-------!").toBe("----b----", {
        b: ["bob B1 current", "carol C1 current"],
      });
    }),
  );

  it(
    "is the new list after a change",
    marbles((m) => {
      const sync$ = m.hot("          11s x           ", { x: changed(BOB) });
      const first$ = m.cold("        -(a|)           ", { a: B1 });
      const second$ = m.cold("           --(b|)      ", { b: B2 });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(watch([BOB]), "^ 20s !").toBe("-a 11000ms b", lists);
      m.expectSubscriptions(second$.subscriptions).toBe("11s ^-!");
    }),
  );

  it(
    "is nothing after a change that altered nothing",
    marbles((m) => {
      const sync$ = m.hot("20s x 20s y", { x: changed(BOB), y: changed(BOB) });
      const { watch, requests } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a 40s b", lists);
      m.afterwards(() => {
        expect(requests).toHaveLength(3);
      });
    }),
  );

  it(
    "has everybody in it, each time",
    marbles((m) => {
      const sync$ = m.hot("20s x", { x: changed(CAROL) });
      const both$ = of(answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }));
      const { watch } = trackerIn(m, {
        tracking: [BOB, CAROL],
        sync$,
        answers: [both$, of(answer({ [CAROL]: ["C2"] }))],
      });
      const values = { a: ["bob B1 current", "carol C1 current"], b: ["bob B1 current", "carol C2 current"] };
      m.expectObservable(watch([BOB, CAROL]), "^ 30s !").toBe("a 19999ms b", values);
    }),
  );

  it(
    "is one map for all whom one step changes",
    marbles((m) => {
      const sync$ = m.hot("20s x", { x: changed(BOB, CAROL) });
      const both = (version: number) => of(answer({ [BOB]: [`B${version}`], [CAROL]: [`C${version}`] }));
      const { watch } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers: [both(1), both(2)] });
      const values = { a: ["bob B1 current", "carol C1 current"], b: ["bob B2 current", "carol C2 current"] };
      m.expectObservable(watch([BOB, CAROL]), "^ 30s !").toBe("a 19999ms b", values);
    }),
  );

  it(
    "is nothing for changes of others",
    marbles((m) => {
      const { watch, requests } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("20s x", { x: changed(CAROL) }),
        answers: [of(B1)],
      });
      m.expectObservable(watch([BOB]), "^ 30s !").toBe("a", lists);
      m.afterwards(() => {
        expect(requests).toHaveLength(1);
      });
    }),
  );

  it(
    "is the same list, untracked, when the user leaves, and the new one when they are back",
    marbles((m) => {
      const sync$ = m.hot("20s x 20s y", { x: left(BOB), y: changed(BOB) });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a 19999ms l 20s b", lists);
    }),
  );

  it(
    "is what another caller fetched, without a query of its own",
    marbles((m) => {
      const { watch, lookup, requests } = trackerIn(m, { tracking: [BOB], answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^--------!").toBe("a---b---", lists);
      m.acts("----f", { f: () => lookup([BOB], { forceDownload: true }).subscribe() });
      m.afterwards(() => {
        expect(requests).toHaveLength(2);
      });
    }),
  );

  it(
    "never goes back to an older list, though a slow request brings the user's older answer along",
    marbles((m) => {
      const sync$ = m.hot("  15s x               ", { x: changed(BOB) });
      const bob$ = m.cold("  -(b|)               ", { b: B1 });
      const carol$ = m.cold("29s -(c|)           ", { c: answer({ [CAROL]: ["C1"] }) });
      const again$ = m.cold("     -(b|)          ", { b: B2 });
      const { watch } = trackerIn(m, {
        tracking: [BOB, CAROL],
        sync$,
        answers: [bob$, carol$, again$],
        maxUsersPerQuery: 1,
      });
      m.expectObservable(watch([BOB, CAROL]), "^ 100s !").toBe("29001ms x", {
        x: ["bob B2 current", "carol C1 current"],
      });
    }),
  );

  it(
    "is what was cached, within the subscription",
    marbles((m) => {
      const { watch, lookup } = trackerIn(m, { tracking: [BOB], answers: [of(B1)] });
      lookup([BOB]).subscribe();
      m.expectObservable(watch([BOB]), "--^---!").toBe("--a---", lists);
    }),
  );

  it(
    "does not depend on a connection, and outlives its failure",
    marbles((m) => {
      const sync$ = concat(
        m.cold("-x 20s y|", { x: changed(CAROL), y: changed(BOB) }),
        throwError(() => new Error("logged out")),
      );
      const { watch, tracker } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B2)] });
      tracker.synced$.subscribe({ error: () => {} });
      m.expectObservable(watch([BOB]), "^ 30s !").toBe("a- 20s b", lists);
    }),
  );
});

describe("watchDeviceKeys, whom it asks for and when", () => {
  it(
    "asks at once for a user who is announced 10 s after our query or later",
    marbles((m) => {
      const { watch, asked$ } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("10s x", { x: changed(BOB) }),
        answers: [of(B1), of(B2)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a 9999ms b", lists);
      m.expectObservable(asked$).toBe("a 9999ms b", { a: "bob", b: "bob" });
    }),
  );

  it(
    "asks after 30 s for a user who is announced sooner: it may have been because of our query",
    marbles((m) => {
      const { watch, asked$ } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("9999ms x", { x: changed(BOB) }),
        answers: [of(B1), of(B2)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a 39998ms b", lists);
      m.expectObservable(asked$).toBe("a 39998ms b", { a: "bob", b: "bob" });
    }),
  );

  it(
    "asks ever more rarely, up to 30 min, where each query has the user announced",
    marbles((m) => {
      const { queriedAt, ...setUp } = echoing(m, () => B1);
      const { watch } = trackerIn(m, setUp);
      m.expectObservable(watch([BOB]), "^ 120m !").toBe("a", lists);
      const gaps = () => queriedAt.slice(1).map((at, i) => at - (queriedAt[i] ?? 0) - 5);
      m.afterwards(() => {
        expect(gaps()).toEqual([30, 60, 120, 240, 480, 960, 1_800, 1_800].map((s) => s * 1_000));
      });
    }),
  );

  it(
    "asks as rarely where several watch the user: each query of ours may have caused the announcement",
    marbles((m) => {
      const { queriedAt, ...setUp } = echoing(m, () => B1);
      const { watch } = trackerIn(m, setUp);
      m.expectObservable(watch([BOB]), "^ 120m !").toBe("a", lists);
      m.expectObservable(watch([BOB]), "-^ 120m !").toBe("-a", lists);
      m.afterwards(() => {
        expect(queriedAt.length).toBeLessThanOrEqual(18);
      });
    }),
  );

  it(
    "asks after 30 s for a user who is announced within 10 s of another caller's query",
    marbles((m) => {
      const sync$ = m.hot("60s -x", { x: changed(BOB) });
      const { watch, lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B1), of(B2)] });
      m.acts("60s f", { f: () => lookup([BOB], { forceDownload: true }).subscribe() });
      m.expectObservable(watch([BOB]), "^ 200s !").toBe("a 90s b", lists);
      m.expectObservable(asked$).toBe("q 59999ms q 30s q", { q: "bob" });
    }),
  );

  it(
    "waits only once for several announcements within the 10 s",
    marbles((m) => {
      const sync$ = m.hot("--x-x-x", { x: changed(BOB) });
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 100s !").toBe("a-- 29999ms b", lists);
      m.expectObservable(asked$).toBe("a-- 29999ms b", { a: "bob", b: "bob" });
    }),
  );

  it(
    "asks at once, and not again for an earlier wait, where a later announcement is no echo",
    marbles((m) => {
      const sync$ = m.hot("--x 20s y", { x: changed(BOB), y: changed(BOB) });
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 100s !").toBe("a-- 20s b", lists);
      m.expectObservable(asked$).toBe("a-- 20s b", { a: "bob", b: "bob" });
    }),
  );

  it(
    "begins from 30 s again after an announcement that was no echo",
    marbles((m) => {
      // echo at 1 ms: asked at 30 001; no echo at 60 000: asked; echo at 60 002: asked at 90 002
      const sync$ = m.hot("-x 59998ms y-z", { x: changed(BOB), y: changed(BOB), z: changed(BOB) });
      const { watch, requests, asked$ } = trackerIn(m, {
        tracking: [BOB],
        sync$,
        answers: [of(B1), of(B1), of(B2), of(B3)],
      });
      m.expectObservable(watch([BOB]), "^ 200s !").toBe("a 59999ms b 30001ms c", lists);
      m.expectObservable(asked$).toBe("q 30s q 29998ms q 30001ms q", { q: "bob" });
      m.afterwards(() => {
        expect(requests).toHaveLength(4);
      });
    }),
  );

  it(
    "shows a superseded list where a change comes during its query, and asks again",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [m.cold("--(a|)", { a: B1 }), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("--s 29998ms b", lists);
    }),
  );

  it(
    "shares its query with other watchers and callers",
    marbles((m) => {
      const bob$ = m.cold("           ---(a|)", { a: B1 });
      const { watch, lookup } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(watch([BOB]), "^-----!").toBe("---a--", lists);
      m.expectObservable(watch([BOB]), "-^----!").toBe("---a--", lists);
      m.expectObservable(lookup([BOB]), "--^----").toBe("---(a|)", lists);
      m.expectSubscriptions(bob$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "asks once for an untracked user, who is asked for again when they are announced",
    marbles((m) => {
      const { watch } = trackerIn(m, { sync$: m.hot("20s x", { x: changed(BOB) }), answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("l 19999ms b", lists);
    }),
  );

  it(
    "asks for whom track() adds",
    marbles((m) => {
      const { watch, tracker } = trackerIn(m, { answers: [of(B1), of(B2)] });
      m.acts("20s t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("l 19999ms b", lists);
    }),
  );
});

describe("watchDeviceKeys, what goes wrong", () => {
  it(
    "shows a user whose request failed as unreachable, tells the problem, and asks again after 30 s",
    marbles((m) => {
      const { watch, problems$, problems } = trackerIn(m, {
        tracking: [BOB],
        answers: [m.cold("--#", undefined, "refused"), of(B1)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("--u 29999ms a", lists);
      m.expectObservable(problems$).toBe("--p", { p: "watch-failed" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ userIds: [BOB], error: "refused", retryIn: 30_000 }]);
      });
    }),
  );

  it(
    "asks ever more rarely, up to 30 min, while requests fail",
    marbles((m) => {
      const fails = Array.from({ length: 20 }, () => throwError(() => new Error("refused")));
      const { watch, problems } = trackerIn(m, { tracking: [BOB], answers: fails });
      m.expectObservable(watch([BOB]), "^ 120m !").toBe("u", lists);
      const waits = [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800];
      m.afterwards(() => {
        expect(problems.map((problem) => problem.type === "watch-failed" && problem.retryIn)).toEqual(
          waits.map((s) => s * 1_000),
        );
      });
    }),
  );

  it(
    "begins from 30 s again after a success",
    marbles((m) => {
      const refused$ = throwError(() => new Error("refused"));
      const sync$ = m.hot("100s x", { x: changed(BOB) });
      const { watch, asked$ } = trackerIn(m, {
        tracking: [BOB],
        sync$,
        answers: [refused$, refused$, of(B1), refused$, of(B2)],
      });
      m.expectObservable(watch([BOB]), "^ 200s !").toBe("u 89999ms a 39999ms b", lists);
      m.expectObservable(asked$).toBe("q 29999ms q 59999ms q 9999ms q 29999ms q", { q: "bob" });
    }),
  );

  it(
    "asks again for a user whose server cannot be reached, after 30 s, doubling",
    marbles((m) => {
      const answers = [of(down), of(down), of(answer({ [EVE]: ["E1"] }))];
      const { watch, asked$, problems } = trackerIn(m, { tracking: [EVE], answers });
      m.expectObservable(watch([EVE]), "^ 100s !").toBe("u 89999ms a", {
        u: ["eve - unreachable"],
        a: ["eve E1 current"],
      });
      m.expectObservable(asked$).toBe("q 29999ms q 59999ms q", { q: "eve" });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "keeps showing the list that it had of a user whose request fails later",
    marbles((m) => {
      const refused$ = throwError(() => new Error("refused"));
      const { watch, problems$ } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("20s x", { x: changed(BOB) }),
        answers: [of(B1), refused$, of(B2)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a 49999ms b", lists);
      m.expectObservable(problems$).toBe("20s p", { p: "watch-failed" });
    }),
  );

  it(
    "shows the last saved list of a user whose first request fails",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      trackerIn(m, { store, tracking: [BOB], answers: [of(B1)] })
        .lookup([BOB])
        .subscribe();
      trackerIn(m, { store, sync$: of(changed(BOB)) });
      const { watch } = trackerIn(m, { store, answers: [throwError(() => new Error("refused"))] });
      m.expectObservable(watch([BOB]), "^ 10s !").toBe("k", lists);
    }),
  );

  it(
    "shows the others although one request fails",
    marbles((m) => {
      const { watch } = trackerIn(m, {
        tracking: [BOB, CAROL],
        answers: [throwError(() => new Error("refused")), of(answer({ [CAROL]: ["C1"] }))],
        maxUsersPerQuery: 1,
      });
      m.expectObservable(watch([BOB, CAROL]), "^ 10s !").toBe("x", { x: ["bob - unreachable", "carol C1 current"] });
    }),
  );

  it(
    "is over once another caller has fetched the list: no further query",
    marbles((m) => {
      const refused$ = throwError(() => new Error("refused"));
      const { watch, lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [refused$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 100s !").toBe("u--a", lists);
      m.acts("---f", { f: () => lookup([BOB]).subscribe() });
      m.expectObservable(asked$).toBe("q--q", { q: "bob" });
    }),
  );

  it(
    "asks at once for a failed user who is announced later than 10 s after our query",
    marbles((m) => {
      const refused$ = throwError(() => new Error("refused"));
      const { watch, asked$ } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("15s x", { x: changed(BOB) }),
        answers: [refused$, of(B1)],
      });
      m.expectObservable(watch([BOB]), "^ 100s !").toBe("u 14999ms a", lists);
      m.expectObservable(asked$).toBe("q 14999ms q", { q: "bob" });
    }),
  );
});
