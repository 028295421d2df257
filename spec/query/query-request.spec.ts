import { delay, map, of, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidResponseError, QueryTimedOutError } from "../../src/model/errors.js";
import { emptyList } from "../../src/trust/device-list.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { QUERY_GRACE, QueryRequest, type QueryPorts } from "../../src/query/query-request.js";
import { RecentQueries } from "../../src/query/recent-queries.js";
import { Revision } from "../../src/store/revision.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const names = map((answers: ReadonlyMap<string, Answer>) => [...answers.keys()].map(localpart).join(" "));
const both = { x: "bob carol" };

/** A request for Bob and Carol whose answer takes 3 ms to settle. */
function requestIn(m: Marbles, answer$: Observable<KeysQueryResponse>, serverTimeout?: number) {
  const scheduler = new CountingScheduler(m.scheduler);
  const told: string[] = [];
  const settle: QueryPorts["settle"] = (answered, { revisions }) =>
    of(
      new Map(
        Array.from(revisions.keys(), (userId) => [
          userId,
          {
            userId,
            list: { ...emptyList(0), ...answered(userId).list },
            revision: undefined,
            superseded: false,
            reachable: true,
          },
        ]),
      ),
    ).pipe(delay(3, m.scheduler));
  const recent = new RecentQueries();
  const ports: QueryPorts = {
    keysApi: keysApiOf([answer$]),
    recent,
    ownUserId: ALICE,
    scheduler,
    queryDeadline: 60_000,
    revisionOf: (user) => (user === BOB ? bobs : undefined),
    settle,
  };
  const note = (what: string) => () => told.push(`${what} at ${m.scheduler.now()}`);
  return {
    request: new QueryRequest([BOB, CAROL], serverTimeout, ports, {
      answered: note("answered"),
      over: note("over"),
      ended: note("ended"),
    }),
    told,
    recent,
    scheduler,
  };
}
const bobs = new Revision(7);

describe("QueryRequest", () => {
  it(
    "is sent when it is first subscribed to, and once for all who subscribe",
    marbles((m) => {
      const answer$ = m.cold("       --(x|)", { x: {} });
      const { request } = requestIn(m, answer$);
      m.expectObservable(request.answers$.pipe(names), "-^-----").toBe("------(x|)", both);
      m.expectObservable(request.answers$.pipe(names), "--^----").toBe("------(x|)", both);
      m.expectSubscriptions(answer$.subscriptions).toBe("-^-!");
    }),
  );

  it(
    "replays its answer to those who come later, without another request",
    marbles((m) => {
      const answer$ = m.cold("--(x|)", { x: {} });
      const { request } = requestIn(m, answer$);
      m.expectObservable(request.answers$.pipe(names), "^-------").toBe("-----(x|)", both);
      m.expectObservable(request.answers$.pipe(names), "-------^").toBe("-------(x|)", both);
      m.expectSubscriptions(answer$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "knows the revisions that its users had when it was sent",
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
    "is noted as sent, for all its users, when it is",
    marbles((m) => {
      const { request, recent } = requestIn(m, m.cold("-"));
      expect(recent.has(BOB, 0)).toBe(false);
      request.answers$.subscribe().unsubscribe();
      expect([BOB, CAROL, ALICE].map((user) => recent.has(user, 0))).toEqual([true, true, false]);
    }),
  );

  it(
    "gives each user their part",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("--(x|)", { x: {} }));
      m.expectObservable(request.answerOf(CAROL).pipe(map(({ userId }) => userId))).toBe("-----(c|)", { c: CAROL });
      m.expectObservable(request.answerOf(ALICE)).toBe("-----|");
    }),
  );

  it(
    "tells when its answer is there, and when all is settled, before its subscribers are told",
    marbles((m) => {
      const { request, told } = requestIn(m, m.cold("--(x|)", { x: {} }));
      request.answers$.subscribe(() => told.push("emitted"));
      m.afterwards(() => {
        expect(told).toEqual(["answered at 2", "over at 5", "emitted", "ended at 5"]);
      });
    }),
  );

  it(
    "is aborted when all have left before its answer, and tells that it is over before it tells that it ended",
    marbles((m) => {
      const answer$ = m.cold("----(x|)", { x: {} });
      const { request, told, scheduler } = requestIn(m, answer$);
      m.expectObservable(request.answers$.pipe(names), "^-!").toBe("---");
      m.expectObservable(request.answers$.pipe(names), "-^!").toBe("---");
      m.expectSubscriptions(answer$.subscriptions).toBe("^-!");
      m.afterwards(() => {
        expect(told).toEqual(["over at 2", "ended at 2"]);
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "settles although all have left once its answer is there",
    marbles((m) => {
      const { request, told } = requestIn(m, m.cold("--(x|)", { x: {} }));
      m.expectObservable(request.answers$.pipe(names), "^--!").toBe("----");
      m.expectObservable(request.answers$.pipe(names), "------^").toBe("------(x|)", both);
      m.afterwards(() => {
        expect(told).toEqual(["answered at 2", "over at 5", "ended at 5"]);
      });
    }),
  );

  it(
    "times out after queryDeadline without a server timeout",
    marbles((m) => {
      const { request, scheduler } = requestIn(m, m.cold("-"));
      m.expectObservable(request.answers$).toBe("60s #", undefined, new QueryTimedOutError(60_000, [BOB, CAROL]));
      m.afterwards(() => {
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "outlasts the server's timeout by a grace, where that is longer than queryDeadline",
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
    "fails where the port completes without an answer",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("--|"));
      m.expectObservable(request.answers$).toBe("--#", undefined, new InvalidResponseError("/keys/query", "", "there"));
    }),
  );

  it(
    "is superseded once a change of any of its users has come, and for that user only",
    marbles((m) => {
      const { request } = requestIn(m, m.cold("-"));
      expect(request.superseded).toBe(false);
      request.supersede(CAROL);
      expect(request.superseded).toBe(true);
      expect([BOB, CAROL].map((user) => request.isSuperseded(user))).toEqual([false, true]);
    }),
  );
});
