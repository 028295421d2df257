import { ignoreElements, interval, of, Subject, take, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { StoreClearedError } from "../../src/model/errors.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed, step } from "../support/wire.js";
import { B1, B2, SHOWN, watchingIn } from "./watching-in.js";

const down = answer({}, ["down.example"]);
/** The server answered with this error: waiting for the connection is of no use. */
const failing = (status: number, properties: object = {}) =>
  throwError(() => Object.assign(new Error("refused"), { status, ...properties }));
const refused$ = failing(500);

describe("a user who could not be queried", () => {
  it(
    "is shown as unreachable, reported, and queried again after 2 s",
    marbles((m) => {
      const { watch, problems$, problems } = watchingIn(m, {
        answers: [m.cold("--#", undefined, { status: 500 }), of(B1)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("--u 1999ms a", SHOWN);
      m.expectObservable(problems$).toBe("--p", { p: "watch-failed" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ userIds: [BOB], error: { status: 500 }, retryIn: 2_000 }]);
      });
    }),
  );

  it(
    "is queried ever more rarely, up to every 5 min",
    marbles((m) => {
      const { watch, problems } = watchingIn(m, { answers: Array.from({ length: 30 }, () => refused$) });
      m.expectObservable(watch([BOB]), "^ 25m !").toBe("u", SHOWN);
      m.afterwards(() => {
        const waits = problems.map((problem) => problem.type === "watch-failed" && problem.retryIn);
        expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300].map((s) => s * 1_000));
      });
    }),
  );

  it(
    "is queried after 2 s again once a query has succeeded in between",
    marbles((m) => {
      const sync$ = m.hot("20s x", { x: changed(BOB) });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [refused$, refused$, of(B1), refused$, of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 5999ms a 13999ms (sv) 1996ms b", SHOWN);
      m.expectObservable(asked$).toBe("q 1999ms q 3999ms q 13999ms q 1999ms q", { q: "bob" });
    }),
  );

  it(
    "is queried as after a first failure once a list that is not cached has come in between",
    marbles((m) => {
      const answers = [refused$, refused$, of(B1), refused$, refused$, of(B2)];
      const { watch, asked$, tracker } = watchingIn(m, { tracking: [], answers });
      m.acts("20s t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60s !").toBe("-");
      m.expectObservable(asked$).toBe("q 1999ms q 3999ms q 13999ms q 1999ms q 3999ms q", { q: "bob" });
    }),
  );

  it(
    "is not queried sooner than the server asks for",
    marbles((m) => {
      const limited$ = failing(429, { errcode: "M_LIMIT_EXCEEDED", retryAfter: 30_000 });
      const { watch, problems } = watchingIn(m, { answers: [limited$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 29999ms a", SHOWN);
      m.afterwards(() => {
        expect(problems).toMatchObject([{ retryIn: 30_000 }]);
      });
    }),
  );

  it(
    "is not queried sooner than the server asks for if they are announced, either",
    marbles((m) => {
      const limited$ = failing(429, { errcode: "M_LIMIT_EXCEEDED", retryAfter: 600_000 });
      const sync$ = m.hot("10s x 99s x", { x: changed(BOB) });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [of(B1), limited$, of(B2)] });
      m.expectObservable(watch([BOB]), "^ 15m !").toBe("a 9999ms (sv) 599996ms b", SHOWN);
      m.expectObservable(asked$).toBe("q 9999ms q 599999ms q", { q: "bob" });
    }),
  );

  it(
    "is queried after the same wait if the clock is set back by six hours",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      let offset = 0;
      scheduler.now = () => 100_000_000 + m.scheduler.now() + offset;
      const { watch } = watchingIn(m, { scheduler, answers: [refused$, refused$, of(B1)] });
      m.acts("1s b", { b: () => (offset = -21_600_000) });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 5999ms a", SHOWN);
    }),
  );

  it(
    "is reported with the reason and the time of the next query, if there is one",
    marbles((m) => {
      const limited$ = failing(429, { message: "slow down", retryAfter: 30_000 });
      const deactivated$ = failing(403, { message: "deactivated", errcode: "M_USER_DEACTIVATED" });
      const { watch, problems } = watchingIn(m, { answers: [limited$, deactivated$] });
      m.expectObservable(watch([BOB]), "^ 60m !").toBe("u", SHOWN);
      m.afterwards(() => {
        expect(problems.map(({ message }) => message)).toEqual([
          "1 watched user(s) could not be queried (slow down); they are queried again in 30 s",
          "1 watched user(s) could not be queried (deactivated); they are not queried again until something changes",
        ]);
      });
    }),
  );

  it(
    "is queried at once when they are announced",
    marbles((m) => {
      const sync$ = m.hot("500ms x", { x: changed(BOB) });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [refused$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 499ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 499ms q", { q: "bob" });
    }),
  );

  it(
    "is queried again after 2 s, not at their next announcement, if that fails as well",
    marbles((m) => {
      const sync$ = m.hot("500ms x 500ms x", { x: changed(BOB) });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [refused$, refused$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 2499ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 499ms q 1999ms q", { q: "bob" });
    }),
  );

  it(
    "is not queried again once another caller has fetched the list",
    marbles((m) => {
      const { watch, lookup, asked$ } = watchingIn(m, { answers: [refused$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u--a", SHOWN);
      m.acts("---f", { f: () => lookup([BOB]).subscribe() });
      m.expectObservable(asked$).toBe("q--q", { q: "bob" });
    }),
  );

  it(
    "is not queried again if the access token is refused, and that is reported",
    marbles((m) => {
      const unknown$ = failing(401, { errcode: "M_UNKNOWN_TOKEN" });
      const { watch, asked$, problems } = watchingIn(m, { answers: [unknown$] });
      m.expectObservable(watch([BOB]), "^ 60m !").toBe("u", SHOWN);
      m.expectObservable(asked$).toBe("q", { q: "bob" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "watch-failed", retryIn: undefined }]);
      });
    }),
  );

  it(
    "is queried again if the server answers something after it refused the token",
    marbles((m) => {
      const unknown$ = failing(401, { errcode: "M_UNKNOWN_TOKEN" });
      const sync$ = m.hot("30m x", { x: step("s1") });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [unknown$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60m !").toBe("u 1799999ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 1799999ms q", { q: "bob" });
    }),
  );

  it(
    "is queried again if the access token did not arrive",
    marbles((m) => {
      const missing$ = failing(401, { errcode: "M_MISSING_TOKEN" });
      const { watch, problems } = watchingIn(m, { answers: [missing$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 1999ms a", SHOWN);
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "watch-failed", retryIn: 2_000 }]);
      });
    }),
  );

  it(
    "is one whose homeserver did not answer, too: without a report",
    marbles((m) => {
      const { watch, asked$, problems } = watchingIn(m, {
        tracking: [EVE],
        answers: [of(down), of(down), of(answer({ [EVE]: ["E1"] }))],
      });
      m.expectObservable(watch([EVE]), "^ 60s !").toBe("u 5999ms a", {
        u: ["eve - unreachable"],
        a: ["eve E1 current"],
      });
      m.expectObservable(asked$).toBe("q 1999ms q 3999ms q", { q: "eve" });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});

describe("what is shown of a user who could not be queried", () => {
  it(
    "is the list as it was, if there was one",
    marbles((m) => {
      const sync$ = m.hot("-----x", { x: changed(BOB) });
      const { watch } = watchingIn(m, { sync$, answers: [of(B1), m.cold("--#", undefined, { status: 500 }), of(B2)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a----s-v 1999ms b", SHOWN);
    }),
  );

  it(
    "is the last saved list, if there is one",
    marbles((m) => {
      const store = memoryStore();
      const { lookup, tracker } = watchingIn(m, { store, answers: [of(B1)] });
      lookup([BOB]).subscribe();
      tracker.invalidate([BOB]).subscribe();
      const { watch } = trackerIn(m, { store, answers: [refused$] });
      m.expectObservable(watch([BOB]), "^ 1s !").toBe("k", SHOWN);
    }),
  );

  it(
    "does not keep the other users from being shown",
    marbles((m) => {
      const answers = [refused$, of(answer({ [CAROL]: ["C1"] }))];
      const { watch } = watchingIn(m, { tracking: [BOB, CAROL], answers, maxUsersPerQuery: 1 });
      m.expectObservable(watch([BOB, CAROL]), "^ 1s !").toBe("x", { x: ["bob - unreachable", "carol C1 current"] });
    }),
  );
});

describe("a list that the store refuses, since another tab has committed a change", () => {
  it(
    "is shown as superseded, and its user queried when that change is known",
    marbles((m) => {
      const records = memoryStore();
      const store = new ScriptedStore({ scheduler: m.scheduler, records });
      const { watch, asked$ } = watchingIn(m, {
        store,
        answers: [m.cold("--(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB]), "^ 1s !").toBe("--s-b", SHOWN);
      m.acts("-o", {
        o: () => {
          store.loseAnnouncements();
          trackerIn(m, { store: records }).tracker.invalidate([BOB]).subscribe();
        },
      });
      m.expectObservable(asked$).toBe("q-q", { q: "bob" });
    }),
  );
});

describe("a store that was cleared", () => {
  it(
    "has a watcher show no list as current",
    marbles((m) => {
      const store = memoryStore();
      const { watch, problems$ } = watchingIn(m, {
        store,
        sync$: m.hot("--x", { x: changed(BOB) }),
        answers: [of(B1), of(B2)],
      });
      m.expectObservable(watch([BOB]), "^ 1s !").toBe("a-(st)", SHOWN);
      m.acts("-c", { c: () => store.clear().subscribe() });
      m.expectObservable(problems$).toBe("--c", { c: "store-cleared" });
    }),
  );

  it(
    "has a watcher that begins after that report why it shows nothing",
    marbles((m) => {
      const store = memoryStore();
      const { watch, lookup, problems } = watchingIn(m, { store, answers: [of(B1)] });
      store.clear().subscribe();
      lookup([BOB]).subscribe({ error: () => {} });
      m.expectObservable(watch([BOB]), "-^ 60s !").toBe("-");
      m.afterwards(() => {
        expect(problems.at(-1)).toMatchObject({
          type: "watch-failed",
          error: new StoreClearedError(),
          retryIn: undefined,
        });
      });
    }),
  );
});

describe("a watcher of a user who is announced and cannot be queried, again and again", () => {
  it(
    "keeps few timers, and none when it is unsubscribed",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const scheduler = new CountingScheduler(m.scheduler);
      const keysApi = { query: () => of(down), changes: () => of({}) };
      const { watch } = watchingIn(m, { scheduler, tracking: [EVE], sync$, keysApi });
      m.expectObservable(watch([EVE]).pipe(ignoreElements()), "^ 15m !").toBe("-");
      let most = 0;
      interval(1_100, m.scheduler)
        .pipe(take(700))
        .subscribe(() => {
          sync$.next(changed(EVE));
          most = Math.max(most, scheduler.pending);
        });
      m.acts("16m e", { e: () => expect(scheduler.pending).toBe(0) });
      m.afterwards(() => {
        expect(most).toBeLessThanOrEqual(1);
      });
    }),
  );
});
