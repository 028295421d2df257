import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL, crowd } from "../support/users.js";

const bobAndCarol = ["bob B1 current", "carol C1 current"];

/** Bob and Carol are tracked and have a device each. */
const withBobAndCarol = (m: Marbles, options: SetUp = {}) =>
  setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] }, ...options });

describe("the requests of a call", () => {
  it(
    "hold all of its new users in one request",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 2 });
      m.expectObservable(lookup([BOB, CAROL])).toBe("--(x|)", { x: bobAndCarol });
      expectQueries("0-2 bob carol");
    }),
  );

  it(
    "hold at most maxUsersPerQuery users each",
    marbles((m) => {
      const users = crowd(7);
      const { tracker, expectQueries } = setUp(m, { maxUsersPerQuery: 3 });
      m.expectObservable(tracker.getDeviceKeys(users).pipe(map((result) => [...result.keys()]))).toBe("(x|)", {
        x: users,
      });
      expectQueries("0-0 user0 user1 user2", "0-0 user3 user4 user5", "0-0 user6");
    }),
  );

  it(
    "hold 250 users each by default",
    marbles((m) => {
      const { tracker, homeserver } = setUp(m);
      tracker.getDeviceKeys(crowd(251)).subscribe();
      expect(homeserver.queries.map(({ userIds }) => userIds.length)).toEqual([250, 1]);
    }),
  );

  it(
    "are all waited for",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 5, maxUsersPerQuery: 1 });
      lookup([BOB]).subscribe();
      homeserver.answerAfter = 2;
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: bobAndCarol });
      expectQueries("0-5 bob", "0-2 carol");
    }),
  );

  it(
    "are answered in the order of the call's users",
    marbles((m) => {
      const { lookup } = withBobAndCarol(m, { answerAfter: 1 });
      m.expectObservable(lookup([CAROL, BOB])).toBe("-(x|)", { x: bobAndCarol.toReversed() });
    }),
  );

  it(
    "leave out users that another call has requested",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 5 });
      m.expectObservable(lookup([BOB]), "       ^--------").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL]), "--^------").toBe("-------(x|)", { x: bobAndCarol });
      expectQueries("0-5 bob", "2-7 carol");
    }),
  );

  it(
    "give all callers of a user the same list object",
    marbles((m) => {
      const { tracker } = withBobAndCarol(m, { answerAfter: 3 });
      const lists: unknown[] = [];
      const ask = () => tracker.getDeviceKeys([BOB]).subscribe((users) => lists.push(users.get(BOB)?.deviceKeys));
      m.acts("ab", { a: ask, b: ask });
      m.afterwards(() => {
        expect(lists).toHaveLength(2);
        expect(lists[0]).toBe(lists[1]);
      });
    }),
  );

  it(
    "have a timeout only if the caller gives one",
    marbles((m) => {
      const { tracker, homeserver } = setUp(m);
      tracker.getDeviceKeys([BOB]).subscribe();
      tracker.getDeviceKeys([CAROL], { timeout: 1_234 }).subscribe();
      expect(homeserver.queries.map(({ userIds, timeout }) => [userIds, timeout])).toEqual([
        [[BOB], undefined],
        [[CAROL], 1_234],
      ]);
    }),
  );
});

describe("unsubscribing", () => {
  it(
    "aborts a request that no other caller waits for",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 5 });
      m.expectObservable(lookup([BOB]), "-^--!").toBe("-----");
      expectQueries("1-4 bob (aborted)");
    }),
  );

  it(
    "aborts a request with its last caller, not before",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 8 });
      m.expectObservable(lookup([BOB, CAROL]), "-^---!----").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     --^----!--").toBe("----------");
      expectQueries("1-7 bob carol (aborted)");
    }),
  );

  it(
    "leaves the request to the callers that stay",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 5 });
      m.expectObservable(lookup([BOB, CAROL]), "^--!------").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^--------").toBe("-----(c|)", { c: ["carol C1 current"] });
      expectQueries("0-5 bob carol");
    }),
  );

  it(
    "aborts only those requests of a call that no other caller waits for",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 6, maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB]), "       ^---------").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL]), "-^-!------").toBe("----------");
      expectQueries("0-6 bob", "1-3 carol (aborted)");
    }),
  );

  it(
    "lets the next caller send a new query",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 4 });
      m.expectObservable(lookup([BOB]), "^-!-----").toBe("--------");
      m.expectObservable(lookup([BOB]), "---^----").toBe("-------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob (aborted)", "3-7 bob");
    }),
  );

  it(
    "does not keep the answer from being cached if the request goes on",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 3 });
      m.expectObservable(lookup([BOB, CAROL]), "^-!------").toBe("---------");
      m.expectObservable(lookup([CAROL]), "     -^-------").toBe("---(c|)", { c: ["carol C1 current"] });
      m.expectObservable(lookup([BOB]), "       -----^---").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob carol");
    }),
  );
});
