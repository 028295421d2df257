import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, crowd, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";

const both = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });
const bobAndCarol = ["bob B1 current", "carol C1 current"];

describe("getDeviceKeys, its requests", () => {
  it(
    "puts all new users of a call into one request",
    marbles((m) => {
      const both$ = m.cold("--(x|)", { x: both });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL])).toBe("--(x|)", { x: bobAndCarol });
      m.expectObservable(asked$).toBe("x", { x: "bob carol" });
      m.expectSubscriptions(both$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "holds as many users in each request as maxUsersPerQuery allows",
    marbles((m) => {
      const users = crowd(7);
      const { tracker, requests } = trackerIn(m, { answers: [of({}), of({}), of({})], maxUsersPerQuery: 3 });
      m.expectObservable(tracker.getDeviceKeys(users).pipe(map((result) => [...result.keys()]))).toBe("(x|)", {
        x: users,
      });
      m.afterwards(() => {
        expect(requests.map((request) => Object.keys(request.device_keys))).toEqual([
          users.slice(0, 3),
          users.slice(3, 6),
          users.slice(6),
        ]);
      });
    }),
  );

  it(
    "is for 250 users in each request unless it is told otherwise",
    marbles((m) => {
      const { tracker, requests } = trackerIn(m, { answers: [of({}), of({})] });
      tracker.getDeviceKeys(crowd(251)).subscribe();
      m.afterwards(() => {
        expect(requests.map((request) => Object.keys(request.device_keys).length)).toEqual([250, 1]);
      });
    }),
  );

  it(
    "waits for the slowest of its requests",
    marbles((m) => {
      const bob$ = m.cold("    -----(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const carol$ = m.cold("  --(c|)   ", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", { x: bobAndCarol });
    }),
  );

  it(
    "gives the users in the order asked, whatever the order of the answers",
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [m.cold("-(x|)", { x: both })] });
      m.expectObservable(lookup([CAROL, BOB])).toBe("-(x|)", { x: bobAndCarol.toReversed() });
    }),
  );

  it(
    "asks only for the users whom no other caller has asked for, at once",
    marbles((m) => {
      const bob$ = m.cold("    -----(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const carol$ = m.cold("    --(c|) ", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], answers: [bob$, carol$] });
      m.expectObservable(lookup([BOB]), "       ^--------").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL]), "--^------").toBe("-----(x|)", { x: bobAndCarol });
      m.expectObservable(asked$).toBe("b-c", { b: "bob", c: "carol" });
      m.expectSubscriptions(bob$.subscriptions).toBe("  ^----!");
      m.expectSubscriptions(carol$.subscriptions).toBe("--^-!");
    }),
  );

  it(
    "gives both callers of a user the very same list",
    marbles((m) => {
      const bob$ = m.cold("---(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const { tracker } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
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
    "aborts the request when its only caller unsubscribes",
    marbles((m) => {
      const bob$ = m.cold("           -----(b|)", { b: answer({}) });
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "-^--!").toBe("-----");
      m.expectSubscriptions(bob$.subscriptions).toBe("-^--!");
    }),
  );

  it(
    "aborts the request when the last of its callers unsubscribes, and not before",
    marbles((m) => {
      const both$ = m.cold("                     --------(x|)", { x: both });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "-^---!----").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     --^----!--").toBe("----------");
      m.expectSubscriptions(both$.subscriptions).toBe("-^-----!");
    }),
  );

  it(
    "goes on with the request for those who stay",
    marbles((m) => {
      const both$ = m.cold("                     -----(x|)  ", { x: both });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^--!------").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^--------").toBe("-----(c|)", { c: ["carol C1 current"] });
      m.expectSubscriptions(both$.subscriptions).toBe("^----!");
    }),
  );

  it(
    "aborts only the requests that nobody else waits for",
    marbles((m) => {
      const bob$ = m.cold("                    ------(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const carol$ = m.cold("                   ------(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB]), "       ^---------").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL]), "-^-!------").toBe("----------");
      m.expectSubscriptions(bob$.subscriptions).toBe("  ^-----!");
      m.expectSubscriptions(carol$.subscriptions).toBe("-^-!");
    }),
  );

  it(
    "asks anew for whoever comes after an abort",
    marbles((m) => {
      const first$ = m.cold("            ------(b|)  ", { b: answer({}) });
      const second$ = m.cold("              --(b|)", { b: answer({ [BOB]: ["B1"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^-!-----").toBe("--------");
      m.expectObservable(lookup([BOB]), "---^----").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectSubscriptions(first$.subscriptions).toBe("^-!");
      m.expectSubscriptions(second$.subscriptions).toBe("---^-!");
    }),
  );

  it(
    "caches every user of a request, those whose callers left too",
    marbles((m) => {
      const both$ = m.cold("                     ---(x|)", { x: both });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL, DAVE], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^-!------").toBe("---------");
      m.expectObservable(lookup([CAROL]), "     -^-------").toBe("---(c|)", { c: ["carol C1 current"] });
      m.expectObservable(lookup([BOB]), "       -----^---").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("x", { x: "bob carol" });
    }),
  );

  it(
    "sends a user's name and [] for all devices, and a timeout only where the caller gave one",
    marbles((m) => {
      const { tracker, requests } = trackerIn(m, { answers: [of({}), of({})] });
      tracker.getDeviceKeys([BOB]).subscribe();
      tracker.getDeviceKeys([CAROL], { timeout: 1_234 }).subscribe();
      m.afterwards(() => {
        expect(requests).toStrictEqual([
          { device_keys: { [BOB]: [] } },
          { device_keys: { [CAROL]: [] }, timeout: 1_234 },
        ]);
      });
    }),
  );
});
