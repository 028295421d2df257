import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { NAMES, queriesIn, responseAt } from "./queries-in.js";

describe("a query on the wire", () => {
  it(
    "is shared by all callers: the port is subscribed to once",
    marbles((m) => {
      const bob$ = responseAt(m, "        ----x");
      const { ask, asked$ } = queriesIn(m, [bob$]);
      m.expectObservable(ask([BOB]), "    ^------").toBe("----(b|)", NAMES);
      m.expectObservable(ask([BOB]), "    --^----").toBe("----(b|)", NAMES);
      m.expectObservable(asked$).toBe("   b", NAMES);
      m.expectSubscriptions(bob$.subscriptions).toBe("^---!");
    }),
  );

  it(
    "is aborted when the last of its callers unsubscribes",
    marbles((m) => {
      const both$ = m.cold("                     ---------");
      const { ask } = queriesIn(m, [both$]);
      m.expectObservable(ask([BOB, CAROL]), "    ^--!").toBe("-");
      m.expectObservable(ask([CAROL]), "         --^--!").toBe("-");
      m.expectSubscriptions(both$.subscriptions).toBe("^----!");
    }),
  );

  it(
    "that was aborted is not joined: the next caller gets a new one",
    marbles((m) => {
      const first$ = m.cold("             -----");
      const second$ = responseAt(m, "           --x");
      const { ask } = queriesIn(m, [first$, second$]);
      m.expectObservable(ask([BOB]), "    ^-!").toBe("-");
      m.expectObservable(ask([BOB]), "    ------^---").toBe("--------(b|)", NAMES);
      m.expectSubscriptions(first$.subscriptions).toBe("^-!");
      m.expectSubscriptions(second$.subscriptions).toBe("------^-!");
    }),
  );

  it(
    "is joined by a forced caller",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "----x")]);
      m.expectObservable(ask([BOB]), "                     ^------").toBe("----(b|)", NAMES);
      m.expectObservable(ask([BOB], { forced: true }), "   --^----").toBe("----(b|)", NAMES);
      m.expectObservable(asked$).toBe("                    b", NAMES);
    }),
  );

  it(
    "is not joined after a change: earlier callers get its answer, superseded",
    marbles((m) => {
      const { ask, supersede, asked$ } = queriesIn(m, [responseAt(m, "----x"), responseAt(m, "-x")]);
      m.acts("                            -s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "    ^------").toBe("----(b|)", { b: "bob!" });
      m.expectObservable(ask([BOB]), "    --^----").toBe("---(b|)", NAMES);
      m.expectObservable(asked$).toBe("   b-b", NAMES);
    }),
  );

  it(
    "leaves no trace if it fails: the next caller gets a new one",
    marbles((m) => {
      const { ask } = queriesIn(m, [m.cold("--#", undefined, "refused"), responseAt(m, "-x")]);
      m.expectObservable(ask([BOB]), "    ^------").toBe("--#", undefined, "refused");
      m.expectObservable(ask([BOB]), "    -^-----").toBe("--#", undefined, "refused");
      m.expectObservable(ask([BOB]), "    ----^--").toBe("-----(b|)", NAMES);
    }),
  );
});

/*
 * The response arrives at 2; until 7 it is being saved. An answer must not be older than the question, so only a caller for whom it will be current joins.
 */
describe("a query whose response has arrived", () => {
  it(
    "is joined while its answer is being saved",
    marbles((m) => {
      const bob$ = responseAt(m, "     --x");
      const { ask } = queriesIn(m, [bob$], { saving: 5 });
      m.expectObservable(ask([BOB]), " ^---------").toBe("-------(b|)", NAMES);
      m.expectObservable(ask([BOB]), " ----^-----").toBe("-------(b|)", NAMES);
      m.expectSubscriptions(bob$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "is not joined by a forced caller: a new query is sent",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x")], { saving: 5 });
      m.expectObservable(ask([BOB]), "                     ^---------").toBe("-------(b|)", NAMES);
      m.expectObservable(ask([BOB], { forced: true }), "   ----^-----").toBe("-----------(b|)", NAMES);
      m.expectObservable(asked$).toBe("                    b---b", NAMES);
    }),
  );

  it(
    "is not joined for a user who is not tracked: the answer will not be current",
    marbles((m) => {
      const set = { saving: 5, untracked: [BOB] };
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x")], set);
      m.expectObservable(ask([BOB, CAROL]), " ^---------").toBe("-------(x|)", { x: "bob carol" });
      m.expectObservable(ask([BOB]), "        ----^-----").toBe("-----------(b|)", NAMES);
      m.expectObservable(ask([CAROL]), "      ----^-----").toBe("-------(c|)", NAMES);
      m.expectObservable(asked$).toBe("       x---b", { ...NAMES, x: "bob carol" });
    }),
  );

  it(
    "is not joined for a user whose server did not answer",
    marbles((m) => {
      const unreachable$ = m.cold("  --(x|)", { x: { failures: { "down.example": {} } } });
      const { ask, asked$ } = queriesIn(m, [unreachable$, responseAt(m, "--x")], { saving: 5 });
      m.expectObservable(ask([EVE]), " ^---------").toBe("-------(e|)", NAMES);
      m.expectObservable(ask([EVE]), " ----^-----").toBe("-----------(e|)", NAMES);
      m.expectObservable(asked$).toBe("e---e", NAMES);
    }),
  );

  it(
    "is not joined after a change that comes while its answer is being saved",
    marbles((m) => {
      const { ask, supersede, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x")], { saving: 5 });
      m.acts("                        ---s", { s: () => supersede(BOB) });
      m.expectObservable(ask([BOB]), "^---------").toBe("-------(b|)", NAMES);
      m.expectObservable(ask([BOB]), "----^-----").toBe("-----------(b|)", NAMES);
      m.expectObservable(asked$).toBe("b---b", NAMES);
    }),
  );

  it(
    "is not aborted: saving goes on, and a later caller joins it",
    marbles((m) => {
      const bob$ = responseAt(m, "     --x");
      const { ask, requests } = queriesIn(m, [bob$], { saving: 5 });
      m.expectObservable(ask([BOB]), " ^--!").toBe("-");
      m.expectObservable(ask([BOB]), " -----^").toBe("-------(b|)", NAMES);
      m.afterwards(() => {
        expect(requests).toHaveLength(1);
      });
    }),
  );

  it(
    "is over once its answer was emitted: the next caller gets a new query",
    marbles((m) => {
      const { ask, asked$ } = queriesIn(m, [responseAt(m, "--x"), responseAt(m, "--x")], { saving: 1 });
      m.expectObservable(ask([BOB]), "^-----").toBe("---(b|)", NAMES);
      m.expectObservable(ask([BOB]), "----^-").toBe("-------(b|)", NAMES);
      m.expectObservable(asked$).toBe("b---b", NAMES);
    }),
  );
});
