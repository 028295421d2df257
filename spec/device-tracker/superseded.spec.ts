import { describe, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

/** Bob and Carol are tracked; their devices change when `change` is called. */
function changing(m: Marbles, options: SetUp) {
  const devices = { [BOB]: ["B1"], [CAROL]: ["C1"] };
  const under = setUp(m, { tracked: [BOB, CAROL], devices, answerAfter: 5, ...options });
  /** Adds a device of Bob's when a change is announced, and has later queries answered after `answerAfter`. */
  const change = (timing: string, deviceId = "B2", answerAfter = 5) => {
    const act = () => {
      under.homeserver.addDevice(BOB, deviceId);
      under.homeserver.answerAfter = answerAfter;
    };
    m.acts(timing, { x: act });
  };
  return { ...under, change };
}

describe("a change while a query is in flight", () => {
  it(
    "gives waiting callers the answer, marked superseded",
    marbles((m) => {
      const { lookup, expectQueries } = changing(m, { sync$: m.hot("--x", { x: changed(BOB) }) });
      m.expectObservable(lookup([BOB])).toBe("-----(b|)", { b: ["bob B1 superseded"] });
      expectQueries("0-5 bob");
    }),
  );

  it(
    "keeps the answer out of the cache",
    marbles((m) => {
      const { lookup, change, expectQueries } = changing(m, { sync$: m.hot("--x", { x: changed(BOB) }) });
      change("--x");
      m.expectObservable(lookup([BOB]), "^------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("-----------(b|)", { b: ["bob B1,B2 current"] });
      expectQueries("0-5 bob", "6-11 bob");
    }),
  );

  it(
    "gives callers from then on a new query, which they share",
    marbles((m) => {
      const { lookup, change, expectQueries } = changing(m, { sync$: m.hot("--x", { x: changed(BOB) }) });
      change("--x");
      m.expectObservable(lookup([BOB]), "^------").toBe("-----(b|)  ", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^---").toBe("--------(b|)", { b: ["bob B1,B2 current"] });
      m.expectObservable(lookup([BOB]), "----^--").toBe("--------(b|)", { b: ["bob B1,B2 current"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("--------(b|)", { b: ["bob B1,B2 current"] });
      expectQueries("0-5 bob", "3-8 bob");
    }),
  );

  it(
    "keeps the older query's late answer from replacing the newer one's",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: changed(BOB) });
      const { lookup, change, expectQueries } = changing(m, { sync$, answerAfter: 8 });
      change("--x", "B2", 2);
      m.expectObservable(lookup([BOB]), "^----------").toBe("--------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^-------").toBe("-----(b|)", { b: ["bob B1,B2 current"] });
      m.expectObservable(lookup([BOB]), "----------^").toBe("----------(b|)", { b: ["bob B1,B2 current"] });
      expectQueries("0-8 bob", "3-5 bob");
    }),
  );

  it(
    "gives callers after each of several changes a query of their own",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: changed(BOB), y: changed(BOB) });
      const { lookup, change, expectQueries } = changing(m, { sync$, answerAfter: 8 });
      change("-x--", "B2", 6);
      change("---x", "B3", 4);
      m.expectObservable(lookup([BOB]), "^----").toBe("--------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "--^--").toBe("--------(b|)", { b: ["bob B1,B2 superseded"] });
      m.expectObservable(lookup([BOB]), "----^").toBe("--------(b|)", { b: ["bob B1,B2,B3 current"] });
      expectQueries("0-8 bob", "2-8 bob", "4-8 bob");
    }),
  );

  it(
    "concerns only the users it names",
    marbles((m) => {
      const { lookup, expectQueries } = changing(m, { sync$: m.hot("--x", { x: changed(CAROL) }) });
      m.expectObservable(lookup([BOB, CAROL]), "^------").toBe("-----(x|)", {
        x: ["bob B1 current", "carol C1 superseded"],
      });
      m.expectObservable(lookup([BOB, CAROL]), "------^").toBe("-----------(x|)", {
        x: ["bob B1 current", "carol C1 current"],
      });
      expectQueries("0-5 bob carol", "6-11 carol");
    }),
  );

  it(
    "that untracks its user supersedes as well",
    marbles((m) => {
      const { lookup, expectQueries } = changing(m, { sync$: m.hot("--x", { x: left(BOB) }) });
      m.expectObservable(lookup([BOB]), "^------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("-----------(b|)", { b: ["bob B1 untracked"] });
      expectQueries("0-5 bob", "6-11 bob");
    }),
  );

  it(
    "supersedes although the user is tracked again before the answer",
    marbles((m) => {
      const { lookup, expectQueries } = changing(m, { sync$: m.hot("-x-y", { x: left(BOB), y: changed(BOB) }) });
      m.expectObservable(lookup([BOB]), "^------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("-----------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-5 bob", "6-11 bob");
    }),
  );

  it(
    "supersedes an untracked user's query, who is tracked from then on",
    marbles((m) => {
      const { lookup, expectQueries } = changing(m, { tracked: [], sync$: m.hot("--x", { x: changed(BOB) }) });
      m.expectObservable(lookup([BOB]), "^------").toBe("-----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "------^").toBe("-----------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "------------^").toBe("------------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-5 bob", "6-11 bob");
    }),
  );

  it(
    "supersedes while the answer is being saved, too",
    marbles((m) => {
      const { lookup, store, expectQueries } = changing(m, { sync$: m.hot("-------x", { x: changed(BOB) }) });
      store.takes = 4;
      m.expectObservable(lookup([BOB]), "^-").toBe("---------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "--------^").toBe("-----------------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-5 bob", "8-13 bob");
    }),
  );

  it(
    "supersedes every query if the response cannot be understood",
    marbles((m) => {
      const malformed = step("s1", { changed: "?" as unknown as string[] });
      const { lookup, problems$ } = changing(m, { sync$: m.hot("--x", { x: malformed }) });
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: ["bob B1 superseded", "carol C1 superseded"] });
      m.expectObservable(problems$).toBe("--p", { p: "sync-response-refused" });
    }),
  );
});
