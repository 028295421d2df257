import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const bobHasB1 = { devices: { [BOB]: ["B1"] } };

describe("getDeviceKeys", () => {
  it(
    "queries the server for an outdated user",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 2 });
      m.expectObservable(lookup([BOB]), "-^--------").toBe("---(b|)", { b: ["bob B1 current"] });
      expectQueries("1-3 bob");
    }),
  );

  it(
    "answers a user who is not outdated from the cache, synchronously",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 1 });
      m.expectObservable(lookup([BOB]), "^-------").toBe("-(b|)   ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^---").toBe("----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-1 bob");
    }),
  );

  it(
    "joins the query that is in flight for the user",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 5 });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "--^------").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-5 bob");
    }),
  );

  it(
    "answers each user of a call from their own source",
    marbles((m) => {
      const devices = { [ALICE]: ["A1"], [BOB]: ["B1"], [CAROL]: ["C1"] };
      const { lookup, expectQueries } = setUp(m, { devices, tracked: [BOB, CAROL], answerAfter: 5 });
      lookup([ALICE]).subscribe();
      m.expectObservable(lookup([BOB]), "               ------^-----").toBe("-----------(b|)", {
        b: ["bob B1 current"],
      });
      m.expectObservable(lookup([CAROL, ALICE, BOB]), " --------^---").toBe("-------------(x|)", {
        x: ["carol C1 current", "alice A1 current", "bob B1 current"],
      });
      expectQueries("0-5 alice", "6-11 bob", "8-13 carol");
    }),
  );

  it(
    "with forceDownload queries a cached user, and caches the answer",
    marbles((m) => {
      const { lookup, homeserver, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 1 });
      lookup([BOB]).subscribe();
      m.acts("--d", { d: () => homeserver.addDevice(BOB, "B2") });
      m.expectObservable(lookup([BOB], { forceDownload: true }), "---^----").toBe("----(b|)", {
        b: ["bob B1,B2 current"],
      });
      m.expectObservable(lookup([BOB]), "------^-").toBe("------(b|)", { b: ["bob B1,B2 current"] });
      expectQueries("0-1 bob", "3-4 bob");
    }),
  );

  it(
    "with forceDownload joins a query on the wire that is not superseded",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 4 });
      lookup([BOB]).subscribe();
      m.expectObservable(lookup([BOB], { forceDownload: true }), "--^-----").toBe("----(b|)", {
        b: ["bob B1 current"],
      });
      expectQueries("0-4 bob");
    }),
  );

  it(
    "queries a cached user again after an announced change",
    marbles((m) => {
      const sync$ = m.hot("         ---x-----", { x: changed(BOB) });
      const { lookup, homeserver, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 1, sync$ });
      m.acts("                      --d", { d: () => homeserver.addDevice(BOB, "B2") });
      m.expectObservable(lookup([BOB]), "^--------").toBe("-(b|)    ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^---").toBe("------(b|)", { b: ["bob B1,B2 current"] });
      expectQueries("0-1 bob", "5-6 bob");
    }),
  );

  it(
    "queries an untracked user every time",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, answerAfter: 1 });
      m.expectObservable(lookup([BOB]), "^-------").toBe("-(b|)   ", { b: ["bob B1 untracked"] });
      m.expectObservable(lookup([BOB]), "---^----").toBe("----(b|)", { b: ["bob B1 untracked"] });
      expectQueries("0-1 bob", "3-4 bob");
    }),
  );

  it(
    "looks users up anew at each subscription",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, answerAfter: 1 });
      const result$ = lookup([BOB]);
      m.expectObservable(result$, "^-------").toBe("-(b|)   ", { b: ["bob B1 untracked"] });
      m.expectObservable(result$, "---^----").toBe("----(b|)", { b: ["bob B1 untracked"] });
      expectQueries("0-1 bob", "3-4 bob");
    }),
  );

  it(
    "queries nothing before it is subscribed to",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { ...bobHasB1, tracked: [BOB] });
      lookup([BOB]);
      expectQueries();
    }),
  );

  it(
    "reports when the response arrived, by the scheduler's clock",
    marbles((m) => {
      const { tracker } = setUp(m, { ...bobHasB1, tracked: [BOB], answerAfter: 3 });
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
