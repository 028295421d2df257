import { mergeMap } from "rxjs";
import { describe, expect, it } from "vitest";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { signed } from "../support/signed.js";
import { BOB, CAROL, EVE } from "../support/users.js";
import { changed } from "../support/wire.js";

const withBobAndCarol = (m: Marbles, options: SetUp = {}) =>
  setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] }, ...options });

describe("a query on the wire", () => {
  it(
    "is joined for a user whose callers have unsubscribed, while the request lives",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 6 });
      m.expectObservable(lookup([BOB, CAROL]), "^-!-------").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^--------").toBe("------(c|)", { c: ["carol C1 current"] });
      m.expectObservable(lookup([BOB]), "       ----^-----").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-6 bob carol");
    }),
  );

  it(
    "is not aborted while a later caller of any of its users waits",
    marbles((m) => {
      const { lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 6 });
      m.expectObservable(lookup([BOB, CAROL]), "^---!-----").toBe("----------");
      m.expectObservable(lookup([CAROL]), "     -^-!------").toBe("----------");
      m.expectObservable(lookup([BOB]), "       --^-------").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-6 bob carol");
    }),
  );

  it(
    "keeps its place when the superseded query before it is answered",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m, { sync$, answerAfter: 4 });
      m.acts("-s", { s: () => (homeserver.answerAfter = 6) });
      m.expectObservable(lookup([BOB]), "^----------").toBe("----(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "--^--------").toBe("--------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-----^-----").toBe("--------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-4 bob", "2-8 bob");
    }),
  );

  it(
    "keeps its place when superseded queries before it fail or are aborted",
    marbles((m) => {
      const sync$ = m.hot("-x-x", { x: changed(BOB) });
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m, { sync$, answerAfter: 5 });
      homeserver.failNext("refused");
      m.expectObservable(lookup([BOB]), "^-------------").toBe("-----#", undefined, "refused");
      m.expectObservable(lookup([BOB]), "--^---!-------").toBe("-------");
      m.expectObservable(lookup([BOB]), "----^---------").toBe("---------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-------^------").toBe("---------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-5 bob", "2-6 bob (aborted)", "4-9 bob");
    }),
  );

  it(
    "is not joined from within its own result",
    marbles((m) => {
      const { tracker, lookup, expectQueries } = setUp(m, { devices: { [BOB]: ["B1"] }, answerAfter: 2 });
      let again: unknown;
      const twice$ = tracker.getDeviceKeys([BOB]).pipe(mergeMap(() => lookup([BOB])));
      m.acts("a", { a: () => twice$.subscribe((result) => (again = result)) });
      expectQueries("0-2 bob", "2-4 bob");
      m.afterwards(() => {
        expect(again).toEqual(["bob B1 untracked"]);
      });
    }),
  );
});

describe("a query whose response has arrived and is being verified", () => {
  /** The verifier takes 4 ms; all devices are signed. */
  function verifying(m: Marbles, options: SetUp = {}) {
    const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes: 4 });
    const under = setUp(m, { verifier, answerAfter: 2, ...options });
    under.homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
    under.homeserver.addDevice(EVE, "E1", signed(EVE, "E1"));
    return under;
  }

  it(
    "is joined for a tracked user",
    marbles((m) => {
      const { lookup, expectQueries } = verifying(m, { tracked: [BOB] });
      m.expectObservable(lookup([BOB]), "^---").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob");
    }),
  );

  it(
    "is not joined for an untracked user",
    marbles((m) => {
      const { lookup, expectQueries } = verifying(m);
      m.expectObservable(lookup([BOB]), "^---").toBe("------(b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(lookup([BOB]), "---^").toBe("---------(b|)", { b: ["bob B1 untracked"] });
      expectQueries("0-2 bob", "3-5 bob");
    }),
  );

  it(
    "is not joined for an unreachable user",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = verifying(m, { tracked: [BOB, EVE] });
      homeserver.unreachable.add("down.example");
      m.expectObservable(lookup([BOB, EVE]), "^---").toBe("------(x|)", { x: ["bob B1 current", "eve - unreachable"] });
      m.acts("---u", { u: () => homeserver.unreachable.clear() });
      m.expectObservable(lookup([BOB, EVE]), "----^").toBe("----------(x|)", {
        x: ["bob B1 current", "eve E1 current"],
      });
      expectQueries("0-2 bob eve", "4-6 eve");
    }),
  );

  it(
    "is not joined with forceDownload",
    marbles((m) => {
      const { lookup, expectQueries } = verifying(m, { tracked: [BOB] });
      m.expectObservable(lookup([BOB]), "^---").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB], { forceDownload: true }), "---^").toBe("---------(b|)", {
        b: ["bob B1 current"],
      });
      expectQueries("0-2 bob", "3-5 bob");
    }),
  );
});
