import { EMPTY, Observable, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import { QueryTimedOutError } from "../../src/model/errors.js";
import { listKey } from "../../src/store/records.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";

const bobTimedOut = (deadline: number) => new QueryTimedOutError(deadline, [BOB]);

/** The homeserver takes this long, in ms. */
const slow = (m: Marbles, answerAfter: number, options: SetUp = {}) =>
  setUp(m, { devices: { [BOB]: ["B1"], [CAROL]: ["C1"] }, answerAfter, ...options });

describe("queryDeadline", () => {
  it(
    "is 60 s by default: then the query is aborted and fails",
    marbles((m) => {
      const { lookup, expectQueries } = slow(m, 100_000);
      m.expectObservable(lookup([BOB]), "-^").toBe("- 60s #", undefined, bobTimedOut(60_000));
      expectQueries("1-60001 bob (aborted)");
    }),
  );

  it(
    "leaves no trace: the next call queries again",
    marbles((m) => {
      const { homeserver, lookup } = slow(m, 9, { queryDeadline: 4 });
      m.expectObservable(lookup([BOB]), "^----").toBe("----#", undefined, bobTimedOut(4));
      m.acts("----a", { a: () => (homeserver.answerAfter = 1) });
      m.expectObservable(lookup([BOB]), "-----^").toBe("------(b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "counts from when the query is sent, however long it waited",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = slow(m, 9, { queryDeadline: 8, maxConcurrentQueries: 1 });
      m.acts("-a", { a: () => (homeserver.answerAfter = 5) });
      m.expectObservable(lookup([BOB]), "  ^-").toBe("--------#", undefined, bobTimedOut(8));
      m.expectObservable(lookup([CAROL]), "-^").toBe("-------------(c|)", { c: ["carol C1 untracked"] });
      expectQueries("0-8 bob (aborted)", "8-13 carol");
    }),
  );

  it(
    "is the same for callers that join later",
    marbles((m) => {
      const { lookup } = slow(m, 9, { queryDeadline: 8 });
      m.expectObservable(lookup([BOB]), "^-----").toBe("--------#", undefined, bobTimedOut(8));
      m.expectObservable(lookup([BOB]), "-----^").toBe("--------#", undefined, bobTimedOut(8));
    }),
  );

  it(
    "is longer if the caller's timeout gives the homeserver more time",
    marbles((m) => {
      const { lookup } = slow(m, 99_000);
      m.expectObservable(lookup([BOB], { timeout: 100_000 })).toBe("99s (b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "ends the query all the same, 10 s after the caller's timeout",
    marbles((m) => {
      const { lookup } = slow(m, 200_000);
      m.expectObservable(lookup([BOB], { timeout: 100_000 })).toBe("110s #", undefined, bobTimedOut(110_000));
    }),
  );

  it(
    "is not shortened by a short timeout",
    marbles((m) => {
      const { lookup } = slow(m, 59_000);
      m.expectObservable(lookup([BOB], { timeout: 0 })).toBe("59s (b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "does not limit how long the answer takes to be saved",
    marbles((m) => {
      const { lookup, store } = slow(m, 3, { tracked: [BOB], queryDeadline: 5 });
      store.takes = 5;
      m.expectObservable(lookup([BOB])).toBe("--------(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "has a late response ignored, also from a port that cannot abort",
    marbles((m) => {
      const deaf$ = new Observable<KeysQueryResponse>((subscriber) => {
        timer(8, m.scheduler).subscribe(() => subscriber.next({ device_keys: {} }));
      });
      const keysApi = { query: () => deaf$, changes: () => EMPTY };
      const { lookup, store } = setUp(m, { tracked: [BOB], keysApi, queryDeadline: 4 });
      m.expectObservable(lookup([BOB])).toBe("----#", undefined, bobTimedOut(4));
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );
});
