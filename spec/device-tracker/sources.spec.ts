import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });

describe("getDeviceKeys, where an answer comes from", () => {
  it(
    "asks the server for a tracked user who is outdated",
    marbles((m) => {
      const bob$ = m.cold("        --(b|)    ", { b: B1 });
      const subscribed = "         -^-!      ";
      const caller = "             -^--------";
      const expected = "           ---(b|)   ";
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), caller).toBe(expected, { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("-b", { b: "bob" });
      m.expectSubscriptions(bob$.subscriptions).toBe(subscribed);
    }),
  );

  it(
    "answers a user who is not outdated from the cache, within the subscription",
    marbles((m) => {
      const bob$ = m.cold("     -(b|)   ", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "^-------").toBe("-(b|)   ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^---").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "joins the query that is in flight for the user",
    marbles((m) => {
      const bob$ = m.cold("     -----(b|)", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "--^------").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectSubscriptions(bob$.subscriptions).toBe("^----!");
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "takes each user of a call from their own source: cache, query in flight, new query",
    marbles((m) => {
      const alice$ = m.cold("   -(a|)       ", { a: answer({ [ALICE]: ["A1"] }) });
      const bob$ = m.cold("       -----(b|)  ", { b: B1 });
      const carol$ = m.cold("        -----(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], answers: [alice$, bob$, carol$] });
      m.expectObservable(lookup([ALICE]), "               ^----------").toBe("-(a|)      ", {
        a: ["alice A1 current"],
      });
      m.expectObservable(lookup([BOB]), "                 --^--------").toBe("-------(b|)", { b: ["bob B1 current"] });
      const everyone = ["carol C1 current", "alice A1 current", "bob B1 current"];
      m.expectObservable(lookup([CAROL, ALICE, BOB]), "   -----^-----").toBe("----------(x|)", { x: everyone });
      m.expectObservable(asked$).toBe("a-b--c", { a: "alice", b: "bob", c: "carol" });
    }),
  );

  it(
    "with forceDownload asks although the list is cached, and caches what comes",
    marbles((m) => {
      const first$ = m.cold("   -(b|)        ", { b: B1 });
      const second$ = m.cold("     --(b|)    ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "                         ^------------").toBe("-(b|)        ", {
        b: ["bob B1 current"],
      });
      m.expectObservable(lookup([BOB], { forceDownload: true }), "---^---------").toBe("-----(b|)    ", {
        b: ["bob B2 current"],
      });
      m.expectObservable(lookup([BOB]), "                         -------^-----").toBe("-------(b|)  ", {
        b: ["bob B2 current"],
      });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
    }),
  );

  it(
    "with forceDownload joins a query in flight that is not superseded",
    marbles((m) => {
      const bob$ = m.cold("     ----(b|)", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      m.expectObservable(lookup([BOB]), "                         ^-------").toBe("----(b|)", {
        b: ["bob B1 current"],
      });
      m.expectObservable(lookup([BOB], { forceDownload: true }), "--^-----").toBe("----(b|)", {
        b: ["bob B1 current"],
      });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "asks again for a user who changed since they were cached",
    marbles((m) => {
      const sync$ = m.hot("     ---x          ", { x: changed(BOB) });
      const first$ = m.cold("   -(b|)         ", { b: B1 });
      const second$ = m.cold("       -(b|)    ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-(b|)    ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^---").toBe("------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(asked$).toBe("b----b", { b: "bob" });
    }),
  );

  it(
    "asks for an untracked user every time, and caches nothing",
    marbles((m) => {
      const first$ = m.cold("   -(b|)   ", { b: B1 });
      const second$ = m.cold("     -(b|)", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^-------").toBe("-(b|)   ", { b: ["bob B1 untracked"] });
      m.expectObservable(lookup([BOB]), "---^----").toBe("----(b|)", { b: ["bob B2 untracked"] });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
    }),
  );

  it(
    "gives the result at each subscription anew",
    marbles((m) => {
      const first$ = m.cold("   -(b|)   ", { b: B1 });
      const second$ = m.cold("     -(b|)", { b: B2 });
      const { lookup } = trackerIn(m, { answers: [first$, second$] });
      const result$ = lookup([BOB]);
      m.expectObservable(result$, "^-------").toBe("-(b|)   ", { b: ["bob B1 untracked"] });
      m.expectObservable(result$, "---^----").toBe("----(b|)", { b: ["bob B2 untracked"] });
    }),
  );

  it(
    "asks nobody before it is subscribed to",
    marbles((m) => {
      const { lookup, requests } = trackerIn(m, { tracking: [BOB] });
      lookup([BOB]);
      m.afterwards(() => {
        expect(requests).toEqual([]);
      });
    }),
  );

  it(
    "tells when the answer came, by the scheduler's clock",
    marbles((m) => {
      const bob$ = m.cold("---(b|)", { b: B1 });
      const { tracker } = trackerIn(m, { tracking: [BOB], answers: [bob$] });
      let fetchedAt: number | undefined;
      m.acts("--a", {
        a: () => tracker.getDeviceKeys([BOB]).subscribe((users) => (fetchedAt = users.get(BOB)?.fetchedAt)),
      });
      m.afterwards(() => {
        expect(fetchedAt).toBe(5);
      });
    }),
  );
});
