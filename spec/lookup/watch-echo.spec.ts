import {
  defer,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";
import { B1, B2, bobHas, echoingServer, watchingIn } from "./watching-in.js";

/** The time between the queries of an echoing server, in s, without the time of the echo. */
const gapsOf = (queriedAt: readonly number[]) =>
  queriedAt.slice(1).map((at, i) => (at - (queriedAt[i] ?? 0) - 5) / 1_000);

/** What an hour of watching may cost, in requests. */
const HOUR = 60;

describe("a server that announces users because they were queried", () => {
  it(
    "is queried after 1 s, doubling to 5 min, after three answers without a change",
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, () => of(B1));
      const { watch } = watchingIn(m, server);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 30m !").toBe("-");
      m.afterwards(() => {
        expect(gapsOf(queriedAt).slice(0, 15)).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
      });
    }),
  );

  it(
    "is queried at once again after an answer that differs",
    marbles((m) => {
      let devices: KeysQueryResponse = B1;
      const { queriedAt, ...server } = echoingServer(m, () => of(devices));
      const { watch } = watchingIn(m, server);
      m.acts("10s d", { d: () => (devices = B2) });
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 20s !").toBe("-");
      m.afterwards(() => {
        expect(gapsOf(queriedAt)).toEqual([0, 0, 0, 1, 2, 4, 8, 0, 0, 0, 1, 2]);
      });
    }),
  );

  it.each([1, 5])(
    "is queried once a second in the end if its answers always differ, with %d watcher(s)",
    (watchers) => {
      marbles((m) => {
        let version = 0;
        const { queriedAt, ...server } = echoingServer(m, () => of(bobHas(`B${++version}`)));
        const { watch } = watchingIn(m, server);
        const watches = Array.from({ length: watchers }, () => watch([BOB]));
        m.expectObservable(merge(...watches).pipe(ignoreElements()), "^ 2m !").toBe("-");
        m.afterwards(() => {
          expect(gapsOf(queriedAt).slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
          expect(queriedAt.filter((at) => at > 60_000).length).toBeLessThanOrEqual(61);
          expect(queriedAt.filter((at) => at > 60_000).length).toBeGreaterThanOrEqual(59);
        });
      })();
    },
  );
});

describe("an hour with a server that announces a user at each query", () => {
  const offline$ = throwError(() => new Error("no network"));
  const refused = (properties: object) => throwError(() => Object.assign(new Error("refused"), properties));

  it.each<[string, () => Observable<KeysQueryResponse>, object]>([
    ["and answers", () => of(B1), {}],
    ["and answers after the announcement", () => of(B1), { answerAfter: 50 }],
    ["and answers when it announces", () => of(B1), { answerAfter: 5 }],
    ["and does not reach the user's server", () => of(answer({}, ["example.org"])), {}],
    ["and fails", () => refused({ status: 500 }), {}],
    ["and fails after the announcement", () => refused({ status: 500 }), { answerAfter: 50 }],
    ["and asks to wait", () => refused({ status: 429, retryAfter: 2_000 }), {}],
    ["and refuses the token", () => refused({ status: 401, errcode: "M_UNKNOWN_TOKEN" }), {}],
    ["and breaks the connection", () => offline$, {}],
  ])("that announces, %s, costs fewer than 60 requests", (_, answered, times) => {
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, answered, times);
      const { watch } = watchingIn(m, server);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queriedAt.length).toBeGreaterThan(10);
        expect(queriedAt.length).toBeLessThan(HOUR);
      });
    })();
  });

  it(
    "costs fewer than 60 requests besides those of a lookup each minute, however many watch",
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, () => of(B1));
      const { watch, lookup } = watchingIn(m, server);
      const watchers = [0, 7, 12, 100, 1_000].map((second) =>
        timer(second * 1_000, m.scheduler).pipe(mergeMap(() => watch([BOB]))),
      );
      let lookups = 0;
      const lookups$ = interval(60_000, m.scheduler).pipe(mergeMap(() => (lookups++, lookup([BOB]))));
      m.expectObservable(merge(...watchers, lookups$).pipe(ignoreElements()), "^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(lookups).toBe(60);
        expect(queriedAt.length - lookups).toBeLessThan(HOUR);
      });
    }),
  );

  it(
    "costs fewer than 60 requests if several watch the user",
    marbles((m) => {
      const { queriedAt, ...server } = echoingServer(m, () => of(B1));
      const { watch } = watchingIn(m, server);
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "   ^ 60m !").toBe("-");
      m.expectObservable(watch([BOB]).pipe(ignoreElements()), "12s ^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queriedAt.length).toBeLessThan(HOUR);
      });
    }),
  );

  it(
    "costs fewer than 60 requests if it announces all users of the query",
    marbles((m) => {
      const users: readonly UserId[] = [BOB, CAROL];
      const sync$ = new Subject<SyncResponse>();
      const queries: (readonly UserId[])[] = [];
      const query = ({ device_keys }: { readonly device_keys: object }) =>
        defer(() => {
          const asked = Object.keys(device_keys);
          queries.push(asked);
          timer(5, m.scheduler).subscribe(() => sync$.next(changed(...asked)));
          return of(answer(Object.fromEntries(asked.map((userId) => [userId, ["PHONE"]]))));
        });
      const { watch } = watchingIn(m, { sync$, keysApi: { query, changes: () => of({}) }, tracking: users });
      m.expectObservable(watch(users).pipe(ignoreElements()), "   ^ 60m !").toBe("-");
      m.expectObservable(watch([CAROL]).pipe(ignoreElements()), "3s ^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queries.length).toBeLessThan(HOUR);
      });
    }),
  );

  it.each([
    ["the second at once", 0, 2],
    ["the second later", 12, 2],
    ["both of them before the answer", 0, 50],
  ])("costs fewer than 60 requests if two tabs watch, %s", (_, later, answerAfter) => {
    marbles((m) => {
      const store = memoryStore();
      const sync$ = new Subject<SyncResponse>();
      let position = 1;
      let queries = 0;
      const query = () =>
        defer(() => {
          queries++;
          const from = `s${position}`;
          timer(5, m.scheduler).subscribe(() => {
            sync$.next({ since: from, next_batch: `s${++position}`, device_lists: { changed: [BOB] } });
          });
          return timer(answerAfter, m.scheduler).pipe(map(() => B1));
        });
      const keysApi = { query, changes: () => of({}) };
      const leader = trackerIn(m, { sync$, store, keysApi });
      const other = trackerIn(m, { store, keysApi });
      sync$.next({ since: null, next_batch: "s1", device_lists: { changed: [BOB] } });
      const late$ = timer(later * 1_000, m.scheduler).pipe(mergeMap(() => other.watch([BOB])));
      m.expectObservable(merge(leader.watch([BOB]), late$).pipe(ignoreElements()), "^ 60m !").toBe("-");
      m.afterwards(() => {
        expect(queries).toBeLessThan(HOUR);
      });
    })();
  });
});
