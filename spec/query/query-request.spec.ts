import { delay, map, NEVER, of, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidResponseError, QueryTimedOutError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { QUERY_GRACE, QueryRequest, type QueryPorts } from "../../src/query/query-request.js";
import type { Revision } from "../../src/store/revision.js";
import { emptyList } from "../../src/trust/device-list.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const names = map((answers: ReadonlyMap<string, Answer>) => [...answers.keys()].map(localpart).join(" "));
const both = { x: "bob carol" };
const empty = { x: { device_keys: {} } };
const bobs: Revision = { number: 7 };

/** A request for Bob and Carol whose answers take 3 ms to be saved. */
function requestIn(
  m: Marbles,
  response$: Observable<KeysQueryResponse>,
  serverTimeout?: number,
  ports: Partial<QueryPorts> = {},
) {
  const scheduler = new CountingScheduler(m.scheduler);
  const events: string[] = [];
  const process: QueryPorts["process"] = (_, { revisions }) => {
    const answer = (userId: string): Answer => ({
      userId,
      list: emptyList(0),
      revision: undefined,
      superseded: false,
      reachable: true,
    });
    return of(new Map(Array.from(revisions.keys(), (userId) => [userId, answer(userId)]))).pipe(delay(3, m.scheduler));
  };
  const note = (event: string) => () => events.push(`${event} at ${m.scheduler.now()}`);
  const request = new QueryRequest(
    [BOB, CAROL],
    serverTimeout,
    {
      keysApi: keysApiOf([response$]),
      ownUserId: ALICE,
      scheduler,
      queryDeadline: 60_000,
      lastCommit: () => 0,
      revisionOf: (userId) => (userId === BOB ? bobs : undefined),
      closed$: NEVER,
      process,
      ...ports,
    },
    { onResponse: note("response"), onSettled: note("settled"), onEnd: note("end") },
  );
  return { request, events, scheduler };
}

/** A request for Bob and Carol: Bob is settled when the response is there, Carol 3 ms later. */
function requestInPortions(m: Marbles, carols: string) {
  const answerFor = (userId: string): [string, Answer] => [
    userId,
    { userId, list: emptyList(0), revision: undefined, superseded: false, reachable: true },
  ];
  const portions = { b: new Map([answerFor(BOB)]), c: new Map([answerFor(CAROL)]) };
  const process = () => m.cold<ReadonlyMap<string, Answer>>(`b${carols}`, portions);
  return requestIn(m, m.cold("--(x|)", empty), undefined, { process });
}

describe("a request", () => {
  it(
    "is sent at its first subscription, once for all subscribers",
    marbles((m) => {
      const response$ = m.cold("       --(x|)", empty);
      const { request } = requestIn(m, response$);
      m.expectObservable(request.answers$.pipe(names), "-^-----").toBe("------(x|)", both);
      m.expectObservable(request.answers$.pipe(names), "--^----").toBe("------(x|)", both);
      m.expectSubscriptions(response$.subscriptions).toBe("-^-!");
    }),
  );

  it(
    "replays its answers to late subscribers, without another request",
    marbles((m) => {
      const response$ = m.cold("--(x|)", empty);
      const { request } = requestIn(m, response$);
      m.expectObservable(request.answers$.pipe(names), "^-------").toBe("-----(x|)", both);
      m.expectObservable(request.answers$.pipe(names), "-------^").toBe("-------(x|)", both);
      m.expectSubscriptions(response$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "knows the revisions of its users when it was sent",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("-"));
      expect(request.revisions.size).toBe(0);
      request.answers$.subscribe().unsubscribe();
      expect([...request.revisions]).toEqual([
        [BOB, bobs],
        [CAROL, undefined],
      ]);
    }),
  );

  it(
    "has a part for each of its users",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("--(x|)", empty));
      m.expectObservable(request.answersOf(new Set([CAROL])).pipe(map(({ userId }) => userId))).toBe("-----(c|)", {
        c: CAROL,
      });
      m.expectObservable(request.answersOf(new Set([ALICE]))).toBe("-----|");
    }),
  );

  it(
    "has the part of a user as soon as it is settled, and again for late subscribers",
    marbles((m) => {
      const { request } = requestInPortions(m, "--(c|)");
      const nameOf = (userId: string) => request.answersOf(new Set([userId])).pipe(map((one) => localpart(one.userId)));
      m.expectObservable(nameOf(BOB)).toBe("--(b|)", { b: "bob" });
      m.expectObservable(nameOf(CAROL)).toBe("-----(c|)", { c: "carol" });
      m.expectObservable(nameOf(BOB), "------^").toBe("------(b|)", { b: "bob" });
      m.expectObservable(nameOf(CAROL), "------^").toBe("------(c|)", { c: "carol" });
    }),
  );

  it(
    "keeps the parts that were settled before it failed",
    marbles((m) => {
      const { request } = requestInPortions(m, "--#");
      const nameOf = (userId: string) => request.answersOf(new Set([userId])).pipe(map((one) => localpart(one.userId)));
      m.expectObservable(nameOf(BOB), "------^").toBe("------(b|)", { b: "bob" });
      m.expectObservable(nameOf(BOB)).toBe("--(b|)", { b: "bob" });
      m.expectObservable(nameOf(CAROL)).toBe("-----#", undefined, "error");
    }),
  );

  it(
    "settles the rest although only users who are settled are waited for",
    marbles((m) => {
      const { request, events } = requestInPortions(m, "--(c|)");
      request.answersOf(new Set([BOB])).subscribe(() => events.push("emitted"));
      m.afterwards(() => {
        expect(events).toEqual(["response at 2", "settled at 2", "emitted", "settled at 5", "end at 5"]);
      });
    }),
  );

  it(
    "reports its response, and that all is settled, before subscribers know",
    marbles((m) => {
      const { request, events } = requestIn(m, m.cold("--(x|)", empty));
      request.answers$.subscribe(() => events.push("emitted"));
      m.afterwards(() => {
        expect(events).toEqual(["response at 2", "settled at 5", "emitted", "end at 5"]);
      });
    }),
  );

  it(
    "is aborted if all subscribers unsubscribe before its response",
    marbles((m) => {
      const response$ = m.cold("----(x|)", empty);
      const { request, events, scheduler } = requestIn(m, response$);
      m.expectObservable(request.answers$.pipe(names), "^-!").toBe("---");
      m.expectObservable(request.answers$.pipe(names), "-^!").toBe("---");
      m.expectSubscriptions(response$.subscriptions).toBe("^-!");
      m.afterwards(() => {
        expect(events).toEqual(["settled at 2", "end at 2"]);
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "is settled although all subscribers unsubscribe after its response",
    marbles((m) => {
      const { request, events } = requestIn(m, m.cold("--(x|)", empty));
      m.expectObservable(request.answers$.pipe(names), "^--!").toBe("----");
      m.expectObservable(request.answers$.pipe(names), "------^").toBe("------(x|)", both);
      m.afterwards(() => {
        expect(events).toEqual(["response at 2", "settled at 5", "end at 5"]);
      });
    }),
  );

  it(
    "times out after queryDeadline",
    marbles((m) => {
      const { request, scheduler } = requestIn(m, m.cold("-"));
      m.expectObservable(request.answers$).toBe("60s #", undefined, new QueryTimedOutError(60_000, [BOB, CAROL]));
      m.afterwards(() => {
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "waits longer than the server may wait, if that is longer",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("-"), 55_000);
      const deadline = 55_000 + QUERY_GRACE;
      m.expectObservable(request.answers$).toBe(
        `${deadline}ms #`,
        undefined,
        new QueryTimedOutError(deadline, [BOB, CAROL]),
      );
    }),
  );

  it(
    "fails if the port completes without a response",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("--|"));
      m.expectObservable(request.answers$).toBe("--#", undefined, new InvalidResponseError("/keys/query", "", "there"));
    }),
  );

  it(
    "is superseded for the users who changed since it was sent",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("-"));
      expect(request.superseded).toBe(false);
      request.supersede(CAROL);
      expect(request.superseded).toBe(true);
      expect([BOB, CAROL].map((user) => request.isSuperseded(user))).toEqual([false, true]);
    }),
  );

  it(
    "fails if its response does not look like one, and is settled",
    marbles((m) => {
      const { request, events } = requestIn(m, m.cold("--(x|)", { x: {} }));
      m.expectObservable(request.answers$).toBe(
        "--#",
        undefined,
        new InvalidResponseError("/keys/query", "device_keys", "present"),
      );
      m.afterwards(() => {
        expect(events).toEqual(["settled at 2", "end at 2"]);
      });
    }),
  );

  it(
    "ends when the tracker is closed, and aborts what is on the wire",
    marbles((m) => {
      const response$ = m.cold("-");
      const { request } = requestIn(m, response$, undefined, { closed$: m.cold("--x") });
      m.expectObservable(request.answers$).toBe("--|");
      m.expectSubscriptions(response$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "is forced for the users whom a caller wants downloaded",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("-"));
      request.force(CAROL);
      expect([BOB, CAROL].map((userId) => request.isForced(userId))).toEqual([false, true]);
    }),
  );
});
