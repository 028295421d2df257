import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL, crowd, DAVE, EVE } from "../support/users.js";
import { NAMES, queriesIn, responseAt } from "./queries-in.js";

describe("the cap on requests in flight", () => {
  it(
    "lets each call send its request at once below it",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "----x"), responseAt(m, "----x"), responseAt(m, "----x")]);
      m.expectObservable(ask([BOB]), "  ^------").toBe("----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^------").toBe("-----(c|)", NAMES);
      m.expectObservable(ask([DAVE]), " --^-----").toBe("------(d|)", NAMES);
      m.expectObservable(asked$).toBe("          bcd", NAMES);
    }),
  );

  it(
    "makes the fourth request wait for the first response",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [
        responseAt(m, "------x"),
        responseAt(m, "---------x"),
        responseAt(m, "---------x"),
        responseAt(m, "--x"),
      ]);
      for (const user of [BOB, CAROL, DAVE]) ask([user]).subscribe();
      m.expectObservable(ask([EVE]), "-^------").toBe("--------(e|)", NAMES);
      m.expectObservable(asked$).toBe("        (bcd)-e", NAMES);
    }),
  );

  it(
    "lets users of all waiting calls share the next request",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.expectObservable(ask([BOB]), "        ^---------").toBe("-----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "      -^--------").toBe("-------(c|)", NAMES);
      m.expectObservable(ask([DAVE, EVE]), "  ---^------").toBe("-------(x|)", { x: "dave eve" });
      m.expectObservable(asked$).toBe("                b----x", { ...NAMES, x: "carol dave eve" });
    }),
  );

  it(
    "lets no request have more users than maxUsersPerQuery",
    marbles((m) => {
      const limits = { maxConcurrentQueries: 1, maxUsersPerQuery: 2 };
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x"), responseAt(m, "--x")], limits);
      m.expectObservable(ask([BOB]), "         ^--------").toBe("--(b|)", NAMES);
      m.expectObservable(ask([CAROL, DAVE, EVE]), "-^--").toBe("------(x|)", { x: "carol dave eve" });
      m.expectObservable(asked$).toBe("b-x-e", { ...NAMES, x: "carol dave" });
    }),
  );

  it(
    "lets users go in the order in which they came",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "-x"), responseAt(m, "-x")], {
        maxConcurrentQueries: 1,
        maxUsersPerQuery: 1,
      });
      m.expectObservable(ask([BOB]), "  ^----").toBe("--(b|)", NAMES);
      m.expectObservable(ask([DAVE]), " -^---").toBe("---(d|)", NAMES);
      m.expectObservable(ask([CAROL]), "-^---").toBe("----(c|)", NAMES);
      m.expectObservable(asked$).toBe("          b-dc", NAMES);
    }),
  );

  it(
    "holds for the requests of one large call as well",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(
        m,
        crowd(5).map(() => responseAt(m, "------x")),
        { maxUsersPerQuery: 1 },
      );
      m.expectObservable(ask(crowd(5))).toBe("------------(x|)", { x: "user0 user1 user2 user3 user4" });
      m.expectObservable(asked$).toBe("(abc)-(de)", { a: "user0", b: "user1", c: "user2", d: "user3", e: "user4" });
    }),
  );

  it(
    "has room again when a request fails",
    marbles((m) => {
      const { ask } = queriesIn(m, [m.cold("--#"), responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB])).toBe("--#");
      m.expectObservable(ask([CAROL])).toBe("----(c|)", NAMES);
    }),
  );

  it(
    "has room again when a request is aborted",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask } = queriesIn(m, [hanging$, responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.expectObservable(ask([BOB]), "  ^--!").toBe("---");
      m.expectObservable(ask([CAROL]), "-^---").toBe("-----(c|)", NAMES);
      m.expectSubscriptions(hanging$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "has room again when a response arrives, before it is saved",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
        saving: 5,
      });
      m.expectObservable(ask([BOB])).toBe("-------(b|)", NAMES);
      m.expectObservable(ask([CAROL])).toBe("---------(c|)", NAMES);
      m.expectObservable(asked$).toBe("b-c", NAMES);
    }),
  );

  it(
    "does not overflow the stack if a thousand requests are answered at once",
    marbles((m) => {
      const users = crowd(1_000);
      const { ask, requests } = queriesIn(
        m,
        users.map(() => of({ device_keys: {} })),
        { maxUsersPerQuery: 1, maxConcurrentQueries: 1 },
      );
      let answered = "";
      ask(users).subscribe((all) => (answered = all));
      expect(answered.split(" ")).toHaveLength(1_000);
      expect(requests).toHaveLength(1_000);
    }),
  );
});

describe("a superseded request", () => {
  it(
    "does not count towards the cap: hanging servers block no other user",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("-s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "  ^----!").toBe("-----");
      m.expectObservable(ask([CAROL]), "--^---").toBe("----(c|)", NAMES);
      m.expectObservable(asked$).toBe("b-c", NAMES);
    }),
  );

  it(
    "makes room for users who are waiting when it becomes superseded",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("---s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "  ^------!").toBe("-----");
      m.expectObservable(ask([CAROL]), "-^-----").toBe("-----(c|)", NAMES);
      m.expectObservable(asked$).toBe("b--c", NAMES);
    }),
  );

  it(
    "counts towards twice the cap",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const { ask, supersede, asked$ } = queriesIn(m, [hanging$, hanging$, responseAt(m, "--x")], {
        maxConcurrentQueries: 1,
      });
      m.acts("-s-t", { s: () => supersede(BOB), t: () => supersede(CAROL) });
      m.expectObservable(ask([BOB]), "  ^------!").toBe("--------");
      m.expectObservable(ask([CAROL]), "--^-------!").toBe("--------");
      m.expectObservable(ask([DAVE]), " ----^-----").toBe("---------(d|)", NAMES);
      m.expectObservable(asked$).toBe("b-c----d", NAMES);
    }),
  );

  it(
    "can still be joined for its other users",
    marbles((m) => {
      const both$ = m.cold("-----(x|)", { x: { device_keys: {} } });
      const { ask, supersede, asked$ } = queriesIn(m, [both$, responseAt(m, "--x")], { maxConcurrentQueries: 1 });
      m.acts("-s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB, CAROL]), "^-----").toBe("-----(x|)", { x: "bob! carol" });
      m.expectObservable(ask([CAROL]), "     --^---").toBe("-----(c|)", NAMES);
      m.expectObservable(ask([DAVE]), "      --^---").toBe("----(d|)", NAMES);
      m.expectObservable(asked$).toBe("x-d", { ...NAMES, x: "bob carol" });
    }),
  );
});
