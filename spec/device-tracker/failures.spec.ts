import { catchError, EMPTY } from "rxjs";
import { describe, it } from "vitest";
import { InvalidResponseError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const withBobAndCarol = (m: Marbles, options: SetUp = {}) =>
  setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] }, answerAfter: 3, ...options });

describe("a request that fails", () => {
  it(
    "fails all callers that wait for it",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m);
      homeserver.failNext("refused");
      m.expectObservable(lookup([BOB, CAROL]), "^-").toBe("---#", undefined, "refused");
      m.expectObservable(lookup([CAROL]), "     -^").toBe("---#", undefined, "refused");
      expectQueries("0-3 bob carol");
    }),
  );

  it(
    "leaves no trace: the next call queries again",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m);
      homeserver.failNext("refused");
      m.expectObservable(lookup([BOB]), "^---").toBe("---#", undefined, "refused");
      m.expectObservable(lookup([BOB]), "----^").toBe("-------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "4-7 bob");
    }),
  );

  it(
    "is not joined from within its own error",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m);
      homeserver.failNext("refused");
      const again$ = lookup([BOB]).pipe(catchError(() => lookup([BOB])));
      m.expectObservable(again$).toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "3-6 bob");
    }),
  );

  it(
    "fails its call once the call's other requests are done and cached",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m, { answerAfter: 6 });
      m.expectObservable(lookup([CAROL]), "     ^-!----").toBe("-------");
      m.acts("a", {
        a: () => {
          homeserver.answerAfter = 2;
          homeserver.failNext("refused");
        },
      });
      m.expectObservable(lookup([BOB, CAROL]), "-^-----").toBe("------#", undefined, "refused");
      m.expectObservable(lookup([CAROL]), "     -------^").toBe("-------(c|)", { c: ["carol C1 current"] });
      expectQueries("0-6 carol", "1-3 bob");
    }),
  );

  it(
    "does not fail callers that came after a change",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = withBobAndCarol(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      homeserver.failNext("refused");
      m.expectObservable(lookup([BOB]), "^--").toBe("---#", undefined, "refused");
      m.expectObservable(lookup([BOB]), "--^").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "2-5 bob");
    }),
  );

  it(
    "may fail synchronously",
    marbles((m) => {
      const { homeserver, lookup } = withBobAndCarol(m, { answerAfter: 0 });
      homeserver.failNext("refused");
      m.expectObservable(lookup([BOB]), "^-").toBe("#", undefined, "refused");
      m.expectObservable(lookup([BOB]), "-^").toBe("-(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "may be a port that throws",
    marbles((m) => {
      const throwing = () => {
        throw new Error("not connected");
      };
      const { lookup } = setUp(m, { keysApi: { query: throwing, changes: throwing } });
      m.expectObservable(lookup([BOB])).toBe("#", undefined, new Error("not connected"));
    }),
  );
});

describe("an invalid response", () => {
  it.each<[string, unknown, path: string, expected: string]>([
    ["an array", [], "", "an object"],
    ["null", null, "", "an object"],
    ["text", "<html>", "", "an object"],
    ["no known section", {}, "device_keys", "present"],
    ["an errcode", { errcode: "M_UNKNOWN", device_keys: {} }, "errcode", "absent from a successful response"],
    ["device_keys that are not an object", { device_keys: 5 }, "device_keys", "an object"],
    ["failures that are not an object", { failures: "x" }, "failures", "an object"],
    ["master keys in an array", { master_keys: [] }, "master_keys", "an object"],
  ])("fails the call and is not cached: %s", (_, invalid, path, expected) => {
    marbles((m) => {
      let isInvalid = true;
      const { lookup, expectQueries } = withBobAndCarol(m, { altered: (response) => (isInvalid ? invalid : response) });
      const error = new InvalidResponseError("/keys/query", path, expected);
      m.expectObservable(lookup([BOB]), "^--").toBe("---#", undefined, error);
      m.acts("----v", { v: () => (isInvalid = false) });
      m.expectObservable(lookup([BOB]), "-----^").toBe("--------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-3 bob", "5-8 bob");
    })();
  });

  it(
    "is also a port that completes without one",
    marbles((m) => {
      const { lookup } = setUp(m, { keysApi: { query: () => EMPTY, changes: () => EMPTY } });
      const error = new InvalidResponseError("/keys/query", "", "there");
      m.expectObservable(lookup([BOB])).toBe("#", undefined, error);
    }),
  );

  it(
    "is not the second one of a port that emits several",
    marbles((m) => {
      const twice$ = m.cold<KeysQueryResponse>("--a-b", { a: { device_keys: {} }, b: {} });
      const { lookup } = setUp(m, { tracked: [BOB], keysApi: { query: () => twice$, changes: () => EMPTY } });
      m.expectObservable(lookup([BOB])).toBe("--(b|)", { b: ["bob - current"] });
      m.expectSubscriptions(twice$.subscriptions).toBe("^-!");
    }),
  );
});
