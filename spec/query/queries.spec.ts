import { delay, map, of, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UnverifiedList } from "../../src/keys/unverified-list.js";
import { emptyList } from "../../src/trust/device-list.js";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { Queries, type QueryLimits } from "../../src/query/queries.js";
import type { QueryPorts } from "../../src/query/query-request.js";
import { RecentQueries } from "../../src/query/recent-queries.js";
import { Revision } from "../../src/store/revision.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, crowd, DAVE, EVE } from "../support/users.js";

const revision = new Revision(1);

/** Every answer is taken as it is, after `settling` ms. */
const settleIn =
  (settling: number, m: Pick<Marbles, "scheduler">): QueryPorts["settle"] =>
  (answered, request) => {
    const toAnswer = (userId: UserId, list: UnverifiedList): Answer => ({
      userId,
      list: { ...emptyList(0), ...list },
      revision,
      superseded: request.isSuperseded(userId),
      reachable: true,
    });
    const answers$ = of(
      new Map(Array.from(request.revisions.keys(), (userId) => [userId, toAnswer(userId, answered(userId).list)])),
    );
    return settling === 0 ? answers$ : answers$.pipe(delay(settling, m.scheduler));
  };

function queriesIn(
  m: Marbles,
  answers: readonly Observable<KeysQueryResponse>[],
  limits: Partial<QueryLimits> = {},
  settling = 0,
) {
  const { asked$, requests, ...keysApi } = keysApiOf(answers);
  const ports: QueryPorts = {
    keysApi,
    recent: new RecentQueries(),
    ownUserId: ALICE,
    scheduler: m.scheduler,
    queryDeadline: 60_000,
    revisionOf: () => revision,
    settle: settleIn(settling, m),
  };
  const queries = new Queries(ports, { maxUsersPerQuery: 250, maxConcurrentQueries: 3, ...limits });
  const named = ({ userId, superseded }: Answer) => `${localpart(userId)}${superseded ? "!" : ""}`;
  const ask = (users: readonly UserId[], timeout?: number) =>
    queries.ask(users, timeout).pipe(
      map(named),
      toArray(),
      map((names) => names.join(" ")),
    );
  const supersede = (...users: UserId[]) => {
    queries.supersede(users);
    queries.send();
  };
  return { queries, ask, supersede, asked$, requests };
}

const names = { a: "alice", b: "bob", c: "carol", d: "dave", e: "eve" };
const empty = (m: Marbles, timing: string) => m.cold<KeysQueryResponse>(timing.replace("x", "(x|)"), { x: {} });

describe("requests in flight at once", () => {
  it(
    "go out at once within the cap, one for each call",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "----x"), empty(m, "----x"), empty(m, "----x")]);
      m.expectObservable(ask([BOB]), "  ^------").toBe("----(b|)", names);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-----(c|)", names);
      m.expectObservable(ask([DAVE]), " --^-----").toBe("------(d|)", names);
      m.expectObservable(asked$).toBe("          bcd", names);
    }),
  );

  it(
    "are three at the most: the fourth waits for the first to be answered",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [
        empty(m, "------x"),
        empty(m, "---------x"),
        empty(m, "---------x"),
        empty(m, "--x"),
      ]);
      for (const user of [BOB, CAROL, DAVE]) ask([user]).subscribe();
      m.expectObservable(ask([EVE]), "-^------").toBe("--------(e|)", names);
      m.expectObservable(asked$).toBe("        (bcd)-e", names);
    }),
  );

  it(
    "hold all users that waited meanwhile, of all calls",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "        ^---------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL]), "      -^--------").toBe("-------(c|)", names);
      m.expectObservable(ask([DAVE, EVE]), "  ---^------").toBe("-------(x|)", { x: "dave eve" });
      m.expectObservable(asked$).toBe("                b----x", { ...names, x: "carol dave eve" });
    }),
  );

  it(
    "hold no more of them than maxUsersPerQuery",
    marbles((m) => {
      const limits = { maxConcurrentQueries: 1, maxUsersPerQuery: 2 };
      const { ask, asked$ } = queriesIn(m, [empty(m, "--x"), empty(m, "--x"), empty(m, "--x")], limits);
      m.expectObservable(ask([BOB]), "         ^--------").toBe("--(b|)", names);
      m.expectObservable(ask([CAROL, DAVE, EVE]), "-^--").toBe("------(x|)", { x: "carol dave eve" });
      m.expectObservable(asked$).toBe("b-x-e", { ...names, x: "carol dave" });
    }),
  );

  it(
    "are sent in the order in which their users came",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "--x"), empty(m, "-x"), empty(m, "-x")], {
        maxConcurrentQueries: 1,
        maxUsersPerQuery: 1,
      });
      m.expectObservable(ask([BOB]), "  ^----").toBe("--(b|)", names);
      m.expectObservable(ask([DAVE]), " -^---").toBe("---(d|)", names);
      m.expectObservable(ask([CAROL]), "-^---").toBe("----(c|)", names);
      m.expectObservable(asked$).toBe("          b-dc", names);
    }),
  );

  it(
    "of one large call are as many as the cap allows, and then the rest",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(
        m,
        crowd(5).map(() => empty(m, "------x")),
        { maxUsersPerQuery: 1 },
      );
      m.expectObservable(ask(crowd(5))).toBe("------------(x|)", { x: "user0 user1 user2 user3 user4" });
      m.expectObservable(asked$).toBe("(abc)-(de)", { a: "user0", b: "user1", c: "user2", d: "user3", e: "user4" });
    }),
  );

  it(
    "make room when they fail",
    marbles((m) => {
      const { ask } = queriesIn(m, [m.cold("--#"), empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB])).toBe("--#");
      m.expectObservable(ask([CAROL])).toBe("----(c|)", names);
    }),
  );

  it(
    "make room when they are aborted",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask } = queriesIn(m, [hanging$, empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^--!").toBe("---");
      m.expectObservable(ask([CAROL]), "-^---").toBe("-----(c|)", names);
      m.expectSubscriptions(hanging$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "make room as soon as their answer is there, before it is saved",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "--x"), empty(m, "--x")], { maxConcurrentQueries: 1 }, 5);
      m.expectObservable(ask([BOB])).toBe("-------(b|)", names);
      m.expectObservable(ask([CAROL])).toBe("---------(c|)", names);
      m.expectObservable(asked$).toBe("b-c", names);
    }),
  );

  it(
    "may be a thousand that are answered at once, one after the other",
    marbles((m) => {
      const users = crowd(1_000);
      const { ask, requests } = queriesIn(
        m,
        users.map(() => of({})),
        { maxUsersPerQuery: 1, maxConcurrentQueries: 1 },
      );
      let answered = "";
      ask(users).subscribe((all) => (answered = all));
      expect(answered.split(" ")).toHaveLength(1_000);
      expect(requests).toHaveLength(1_000);
    }),
  );
});

describe("superseded requests", () => {
  it(
    "do not count towards the cap: three that hang block nobody",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("-s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "  ^----!").toBe("-----");
      m.expectObservable(ask([CAROL]), "--^---").toBe("----(c|)", names);
      m.expectObservable(asked$).toBe("b-c", names);
    }),
  );

  it(
    "let users go out who were waiting when they became superseded",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("---s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "  ^------!").toBe("-----");
      m.expectObservable(ask([CAROL]), "-^-----").toBe("-----(c|)", names);
      m.expectObservable(asked$).toBe("b--c", names);
    }),
  );

  it(
    "and others are twice the cap at the most",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, hanging$, empty(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.acts("-s-t", { s: () => supersede(BOB), t: () => supersede(CAROL) });
      m.expectObservable(ask([BOB]), "  ^------!").toBe("--------");
      m.expectObservable(ask([CAROL]), "--^-------!").toBe("--------");
      m.expectObservable(ask([DAVE]), " ----^-----").toBe("---------(d|)", names);
      m.expectObservable(asked$).toBe("b-c----d", names);
    }),
  );

  it(
    "count as superseded with one of their users, and the others' part stays good and can be joined",
    marbles((m) => {
      const both$ = m.cold("-----(x|)", { x: {} });
      const { ask, supersede, asked$ } = queriesIn(m, [both$, empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("-s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB, CAROL]), "^-----").toBe("-----(x|)", { x: "bob! carol" });
      m.expectObservable(ask([CAROL]), "     --^---").toBe("-----(c|)", names);
      m.expectObservable(ask([DAVE]), "      --^---").toBe("----(d|)", names);
      m.expectObservable(asked$).toBe("x-d", { ...names, x: "bob carol" });
    }),
  );
});

describe("a user who waits for a request", () => {
  it(
    "is sent once, whoever joins",
    marbles((m) => {
      const carol$ = empty(m, "--x");
      const { ask, asked$ } = queriesIn(m, [empty(m, "-----x"), carol$], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-------(c|)", names);
      m.expectObservable(ask([CAROL]), "---^----").toBe("-------(c|)", names);
      m.expectObservable(asked$).toBe("b----c", names);
      m.expectSubscriptions(carol$.subscriptions).toBe("-----^-!");
    }),
  );

  it(
    "is never sent when all who asked leave, and the others who wait are",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "        ^-------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL, DAVE]), "-^-!----").toBe("--------");
      m.expectObservable(ask([DAVE]), "       --^-----").toBe("-------(d|)", names);
      m.expectObservable(asked$).toBe("b----d", names);
    }),
  );

  it(
    "is asked for anew by who comes after all have left",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL]), "-^-!----").toBe("--------");
      m.expectObservable(ask([CAROL]), "----^---").toBe("-------(c|)", names);
      m.expectObservable(asked$).toBe("b----c", names);
    }),
  );

  it(
    "is sent for the one who joined when the first caller leaves",
    marbles((m) => {
      const { ask } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL]), "-^--!---").toBe("--------");
      m.expectObservable(ask([CAROL]), "--^-----").toBe("-------(c|)", names);
    }),
  );

  it(
    "is not superseded by a change: they will be asked for after it",
    marbles((m) => {
      const { ask, supersede, asked$ } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.acts("---s", { s: () => supersede(CAROL) });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-------(c|)", names);
      m.expectObservable(ask([CAROL]), "----^---").toBe("-------(c|)", names);
      m.expectObservable(asked$).toBe("b----c", names);
    }),
  );

  it(
    "does not count as asked for, nor does one who has changed since",
    marbles((m) => {
      const { ask, queries, supersede } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x")], {
        maxConcurrentQueries: 1,
        maxUsersPerQuery: 2,
      });
      ask([BOB, DAVE, CAROL]).subscribe();
      expect(queries.askedFor()).toEqual([BOB, DAVE]);
      m.acts("-s------e", { s: () => supersede(BOB), e: () => expect(queries.askedFor()).toEqual([]) });
      m.acts("--a", { a: () => expect(queries.askedFor()).toEqual([DAVE, CAROL]) });
    }),
  );
});

describe("users with different timeouts", () => {
  it(
    "never share a request",
    marbles((m) => {
      const { ask, requests } = queriesIn(m, [empty(m, "-----x"), empty(m, "--x"), empty(m, "--x"), empty(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.expectObservable(ask([BOB]), "        ^-----").toBe("-----(b|)", names);
      m.expectObservable(ask([CAROL], 10), "  -^----").toBe("-------(c|)", names);
      m.expectObservable(ask([DAVE], 20), "   -^----").toBe("---------(d|)", names);
      m.expectObservable(ask([EVE], 10), "    --^---").toBe("-------(e|)", names);
      m.expectObservable(ask([ALICE]), "      --^---").toBe("-----------(a|)", names);
      m.afterwards(() => {
        expect(requests.map(({ device_keys: users, timeout }) => [Object.keys(users).map(localpart), timeout])).toEqual(
          [
            [["bob"], undefined],
            [["carol", "eve"], 10],
            [["dave"], 20],
            [["alice"], undefined],
          ],
        );
      });
    }),
  );

  it(
    "keep the timeout of the caller who started the query: a joiner's is not used",
    marbles((m) => {
      const { ask, requests } = queriesIn(m, [empty(m, "-----x")]);
      m.expectObservable(ask([BOB], 10), "^-----").toBe("-----(b|)", names);
      m.expectObservable(ask([BOB], 20), "-^----").toBe("-----(b|)", names);
      m.afterwards(() => {
        expect(requests).toEqual([{ device_keys: { [BOB]: [] }, timeout: 10 }]);
      });
    }),
  );
});

describe("ask()", () => {
  it(
    "emits each user's answer as it comes",
    marbles((m) => {
      const { queries } = queriesIn(m, [empty(m, "---x"), empty(m, "-x")], { maxUsersPerQuery: 1 });
      const answered$ = queries.ask([BOB, CAROL], undefined).pipe(map(({ userId }) => localpart(userId)));
      m.expectObservable(answered$).toBe("-c-(b|)", names);
    }),
  );

  it(
    "does nothing until it is subscribed to",
    marbles((m) => {
      const { queries, requests } = queriesIn(m, []);
      queries.ask([BOB], undefined);
      queries.send();
      expect(requests).toEqual([]);
    }),
  );

  it(
    "tells whose request failed where that is wanted, and goes on with the others",
    marbles((m) => {
      const { queries } = queriesIn(m, [throwError(() => new Error("refused")), empty(m, "-x")], {
        maxUsersPerQuery: 1,
      });
      const failed: unknown[] = [];
      const answered$ = queries
        .ask([BOB, CAROL], undefined, (...failure) => failed.push(failure))
        .pipe(map(({ userId }) => localpart(userId)));
      m.expectObservable(answered$).toBe("-(c|)", names);
      m.afterwards(() => {
        expect(failed).toEqual([[BOB, new Error("refused")]]);
      });
    }),
  );
});
