import { NEVER, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL, DAVE, EVE } from "../support/users.js";
import { NAMES, queriesIn, responseAt } from "./queries-in.js";

const background = { background: true };

describe("a background query", () => {
  it(
    "does not count towards the cap, and callers' users do not share its request",
    marbles((m) => {
      const responses = [responseAt(m, "------x"), responseAt(m, "--x"), responseAt(m, "--x")];
      const { ask, queries, asked$ } = queriesIn(m, responses, { maxConcurrentQueries: 1 });
      m.acts("-k", { k: () => queries.keep([EVE]) });
      m.expectObservable(ask([BOB]), "  --^---").toBe("----(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "---^--").toBe("------(c|)", NAMES);
      m.expectObservable(asked$).toBe("-eb-c", NAMES);
    }),
  );

  it(
    "does not share a request with callers' users that have come in the meantime",
    marbles((m) => {
      const { ask, queries, asked$ } = queriesIn(m, [
        of({ device_keys: {} }),
        responseAt(m, "-x"),
        responseAt(m, "-x"),
      ]);
      const answered = () => {
        queries.keep([EVE]);
        ask([CAROL]).subscribe();
        queries.keep([DAVE]);
      };
      queries.ask([BOB]).subscribe(answered); // while sending
      m.expectObservable(asked$).toBe("(bcx)", { ...NAMES, x: "eve dave" });
    }),
  );

  it(
    "is one request at a time: other background users share the next one",
    marbles((m) => {
      const { ask, queries, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")]);
      m.acts("kll", { k: () => queries.keep([EVE]), l: () => queries.keep([DAVE, BOB]) });
      m.expectObservable(ask([CAROL], background), "  ---^---").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("e----x", { ...NAMES, x: "dave bob carol" });
    }),
  );

  it(
    "leaves the next one its room when it fails",
    marbles((m) => {
      const { queries, asked$ } = queriesIn(m, [m.cold("--#"), responseAt(m, "--x")]);
      m.acts("kl", { k: () => queries.keep([EVE]), l: () => queries.keep([DAVE]) });
      m.expectObservable(asked$).toBe("e-d", NAMES);
    }),
  );

  it(
    "that waits is sent with those of callers when one joins it",
    marbles((m) => {
      const responses = [responseAt(m, "-------x"), responseAt(m, "--x")];
      const { ask, queries, asked$ } = queriesIn(m, responses);
      m.acts("kl", { k: () => queries.keep([EVE]), l: () => queries.keep([DAVE]) });
      m.expectObservable(ask([BOB, DAVE]), "---^").toBe("-----(x|)", { x: "bob dave" });
      m.expectObservable(asked$).toBe("e--x", { ...NAMES, x: "bob dave" });
    }),
  );

  it(
    "that is on the wire is joined: no user is queried twice at a time",
    marbles((m) => {
      const eve$ = responseAt(m, "    -----x");
      const { ask, queries, asked$ } = queriesIn(m, [eve$]);
      m.acts("k", { k: () => queries.keep([EVE]) });
      m.expectObservable(ask([EVE]), "--^").toBe("-----(e|)", NAMES);
      m.expectObservable(asked$).toBe("e", NAMES);
      m.expectSubscriptions(eve$.subscriptions).toBe("^----!");
    }),
  );
});

describe("keep()", () => {
  it(
    "queries users without a caller, once at a time",
    marbles((m) => {
      const { queries, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")]);
      m.acts("kkkk---k", { k: () => queries.keep([EVE]) });
      m.expectObservable(asked$).toBe("e------e", NAMES);
    }),
  );

  it(
    "queries again after a change: the answer on its way may not include it",
    marbles((m) => {
      const { queries, supersede, asked$ } = queriesIn(m, [responseAt(m, "-----x"), responseAt(m, "--x")]);
      m.acts("k-sk", { k: () => queries.keep([EVE]), s: () => supersede(EVE) });
      m.expectObservable(asked$).toBe("e----e", NAMES);
    }),
  );

  it(
    "goes on with a caller's query when the caller unsubscribes",
    marbles((m) => {
      const eve$ = responseAt(m, "     -----x");
      const { ask, queries } = queriesIn(m, [eve$]);
      m.acts("-k", { k: () => queries.keep([EVE]) });
      m.expectObservable(ask([EVE]), "^--!").toBe("----");
      m.expectSubscriptions(eve$.subscriptions).toBe("^----!");
    }),
  );

  it(
    "leaves no trace of a failed request, and nothing unhandled",
    marbles((m) => {
      const failed$ = throwError(() => new Error("refused"));
      const { queries, asked$, requests } = queriesIn(m, [failed$, responseAt(m, "--x")]);
      m.acts("kk", { k: () => queries.keep([EVE]) });
      m.expectObservable(asked$).toBe("ee", NAMES);
      m.afterwards(() => {
        expect(requests).toHaveLength(2);
      });
    }),
  );

  it(
    "ends with the tracker, on the wire or waiting",
    marbles((m) => {
      const hanging$ = m.cold<KeysQueryResponse>("-");
      const closed$ = m.hot("---x");
      const { queries, asked$ } = queriesIn(m, [hanging$, NEVER], { closed$ });
      m.acts("kl-c", {
        k: () => queries.keep([EVE]),
        l: () => queries.keep([DAVE]),
        c: () => queries.close(),
      });
      m.expectObservable(asked$).toBe("e", NAMES);
      m.expectSubscriptions(hanging$.subscriptions).toBe("^--!");
    }),
  );
});

describe("what the responses say of homeservers", () => {
  it(
    "is known when they arrive, before anything is saved",
    marbles((m) => {
      const failed$ = m.cold("--(x|)", { x: { failures: { "down.example": {} } } });
      const { ask, queries } = queriesIn(m, [failed$, responseAt(m, "--x")], { saving: 5 });
      const hasFailed: boolean[] = [];
      m.acts("-f-f", { f: () => hasFailed.push(queries.servers.hasFailed(EVE)) });
      m.expectObservable(ask([EVE]), "^---------").toBe("-------(e|)", NAMES);
      m.expectObservable(ask([EVE]), "--------^-").toBe("---------------(e|)", NAMES);
      m.afterwards(() => {
        expect([...hasFailed, queries.servers.hasFailed(EVE)]).toEqual([false, true, false]);
      });
    }),
  );
});
