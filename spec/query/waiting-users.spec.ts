import { filter, map, takeUntil, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, DAVE, EVE } from "../support/users.js";
import { NAMES, queriesIn, responseAt } from "./queries-in.js";

describe("a user who waits for a request", () => {
  it(
    "is requested once, however many callers join",
    marbles((m) => {
      const carol$ = responseAt(m, "--x");
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "-----x"), carol$], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-------(c|)", NAMES);
      m.expectObservable(ask([CAROL]), "---^----").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("b----c", NAMES);
      m.expectSubscriptions(carol$.subscriptions).toBe("-----^-!");
    }),
  );

  it(
    "is not requested if all callers unsubscribe, and others are",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.expectObservable(ask([BOB]), "        ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL, DAVE]), "-^-!----").toBe("--------");
      m.expectObservable(ask([DAVE]), "       --^-----").toBe("-------(d|)", NAMES);
      m.expectObservable(asked$).toBe("b----d", NAMES);
    }),
  );

  it(
    "is requested for a caller that comes after all have unsubscribed",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^-!----").toBe("--------");
      m.expectObservable(ask([CAROL]), "----^---").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("b----c", NAMES);
    }),
  );

  it(
    "is requested for a caller that joined when the first one unsubscribes",
    marbles((m) => {
      const { ask } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^--!---").toBe("--------");
      m.expectObservable(ask([CAROL]), "--^-----").toBe("-------(c|)", NAMES);
    }),
  );

  it(
    "is requested once if the first of two callers unsubscribes as it is sent",
    marbles((m) => {
      const carol$ = responseAt(m, "--x");
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "-----x"), carol$], { maxConcurrentQueries: 1 });
      const sent$ = asked$.pipe(filter((users) => users === "carol"));
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]).pipe(takeUntil(sent$)), "-^------").toBe("-----|");
      m.expectObservable(ask([CAROL]), "--^-----").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("b----c", NAMES);
      m.expectSubscriptions(carol$.subscriptions).toBe("-----^-!");
    }),
  );

  it(
    "is not superseded by a change: the request comes after it",
    marbles((m) => {
      const { ask, supersede, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.acts("---s", { s: () => supersede(CAROL) });
      m.expectObservable(ask([BOB]), "  ^-------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-------(c|)", NAMES);
      m.expectObservable(ask([CAROL]), "----^---").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("b----c", NAMES);
    }),
  );
});

describe("users with different timeouts", () => {
  it(
    "never share a request",
    marbles((m) => {
      const { ask, requests } = queriesIn(
        m,
        [responseAt(m, "-----x"), responseAt(m, "--x"), responseAt(m, "--x"), responseAt(m, "--x")],
        {
          maxConcurrentQueries: 1,
        },
      );
      m.expectObservable(ask([BOB]), "        ^-----").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL], { timeout: 10 }), "  -^----").toBe("-------(c|)", NAMES);
      m.expectObservable(ask([DAVE], { timeout: 20 }), "   -^----").toBe("---------(d|)", NAMES);
      m.expectObservable(ask([EVE], { timeout: 10 }), "    --^---").toBe("-------(e|)", NAMES);
      m.expectObservable(ask([ALICE]), "      --^---").toBe("-----------(a|)", NAMES);
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
    "keep the timeout of the caller that started the query",
    marbles((m) => {
      const { ask, requests } = queriesIn(m, [responseAt(m, "-----x")]);
      m.expectObservable(ask([BOB], { timeout: 10 }), "^-----").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([BOB], { timeout: 20 }), "-^----").toBe("-----(b|)", NAMES);
      m.afterwards(() => {
        expect(requests).toEqual([{ device_keys: { [BOB]: [] }, timeout: 10 }]);
      });
    }),
  );
});

describe("ask()", () => {
  it(
    "emits each user's answer as it arrives",
    marbles((m) => {
      const { queries } = queriesIn(m, [responseAt(m, "---x"), responseAt(m, "-x")], { maxUsersPerQuery: 1 });
      const answered$ = queries.ask([BOB, CAROL]).pipe(map(({ userId }) => localpart(userId)));
      m.expectObservable(answered$).toBe("-c-(b|)", NAMES);
    }),
  );

  it(
    "does nothing until it is subscribed to",
    marbles((m) => {
      const { queries, requests } = queriesIn(m, []);
      queries.ask([BOB]);
      queries.send();
      expect(requests).toEqual([]);
    }),
  );

  it(
    "reports the users of a failed request, and goes on with the others",
    marbles((m) => {
      const { queries } = queriesIn(m, [throwError(() => new Error("refused")), responseAt(m, "-x")], {
        maxUsersPerQuery: 1,
      });
      const failed: unknown[] = [];
      const answered$ = queries
        .ask([BOB, CAROL], { onFailure: (...failure) => failed.push(failure) })
        .pipe(map(({ userId }) => localpart(userId)));
      m.expectObservable(answered$).toBe("-(c|)", NAMES);
      m.afterwards(() => {
        expect(failed).toEqual([[BOB, new Error("refused")]]);
      });
    }),
  );
});
