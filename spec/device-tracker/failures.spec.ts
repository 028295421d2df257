import { EMPTY, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidResponseError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });

describe("a request that fails", () => {
  it(
    "fails every caller who waits for it",
    marbles((m) => {
      const both$ = m.cold("                     ---#", undefined, "refused");
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [both$] });
      m.expectObservable(lookup([BOB, CAROL]), "^---").toBe("---#", undefined, "refused");
      m.expectObservable(lookup([CAROL]), "     -^--").toBe("---#", undefined, "refused");
      m.expectSubscriptions(both$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "leaves no trace: the next call asks again",
    marbles((m) => {
      const first$ = m.cold("             --#     ");
      const second$ = m.cold("               -(b|)", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^-------").toBe("--#     ");
      m.expectObservable(lookup([BOB]), "---^----").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
    }),
  );

  it(
    "is not joined by whoever asks again from inside the failure",
    marbles((m) => {
      const first$ = m.cold("  --#     ");
      const second$ = m.cold("   -(b|)", { b: B1 });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [first$, second$] });
      let result: unknown;
      const again = () => lookup([BOB]).subscribe((users) => (result = users));
      m.acts("a", { a: () => lookup([BOB]).subscribe({ error: again }) });
      m.expectObservable(asked$).toBe("b-b", { b: "bob" });
      m.afterwards(() => {
        expect(result).toEqual(["bob B1 current"]);
      });
    }),
  );

  it(
    "fails the call at once, and aborts the call's other requests where nobody else waits for them",
    marbles((m) => {
      const bob$ = m.cold("  --#");
      const carol$ = m.cold("------(c|)", { c: answer({}) });
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], answers: [bob$, carol$], maxUsersPerQuery: 1 });
      m.expectObservable(lookup([BOB, CAROL])).toBe("--#");
      m.expectSubscriptions(carol$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "leaves users of the call's other requests cached",
    marbles((m) => {
      const bob$ = m.cold("                      -(b|)     ", { b: B1 });
      const carol$ = m.cold("                    ---#      ");
      const carolAgain$ = m.cold("                    -(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup, asked$ } = trackerIn(m, {
        tracking: [BOB, CAROL],
        answers: [bob$, carol$, carolAgain$],
        maxUsersPerQuery: 1,
      });
      m.expectObservable(lookup([BOB, CAROL]), "^--------").toBe("---#     ");
      m.expectObservable(lookup([BOB, CAROL]), "-----^---").toBe("------(x|)", {
        x: ["bob B1 current", "carol C1 current"],
      });
      m.expectObservable(asked$).toBe("(bc)-c", { b: "bob", c: "carol" });
    }),
  );

  it(
    "does not fail a caller who came after a change and has a query of their own",
    marbles((m) => {
      const sync$ = m.hot("               -x       ", { x: changed(BOB) });
      const first$ = m.cold("             ----#    ");
      const second$ = m.cold("              ----(b|)", { b: B1 });
      const { lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "^-------").toBe("----#");
      m.expectObservable(lookup([BOB]), "--^-----").toBe("------(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "counts as nonsense where it ends without an answer",
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [EMPTY, of(B1)] });
      m.expectObservable(lookup([BOB]), "^--").toBe(
        "#",
        undefined,
        new InvalidResponseError("/keys/query", "", "there"),
      );
      m.expectObservable(lookup([BOB]), "-^-").toBe("-(b|)", { b: ["bob B1 current"] });
    }),
  );

  it.each<[string, unknown, string]>([
    ["no object", [], ""],
    ["null", null, ""],
    ["text", "<html>", ""],
    ["no users", { device_keys: 5 }, "device_keys"],
    ["no servers", { failures: "x" }, "failures"],
    ["no master keys", { master_keys: [] }, "master_keys"],
  ])("is an answer that is nonsense as a whole: %s", (_, nonsense, path) => {
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [of(nonsense as KeysQueryResponse), of(B1)] });
      m.expectObservable(lookup([BOB]), "^--").toBe(
        "#",
        undefined,
        new InvalidResponseError("/keys/query", path, "an object"),
      );
      m.expectObservable(lookup([BOB]), "-^-").toBe("-(b|)", { b: ["bob B1 current"] });
    })();
  });

  it(
    "may fail synchronously, or throw",
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [throwError(() => new Error("refused")), of(B1)] });
      m.expectObservable(lookup([BOB]), "^--").toBe("#", undefined, new Error("refused"));
      m.expectObservable(lookup([BOB]), "-^-").toBe("-(b|)", { b: ["bob B1 current"] });
      const throwing = () => {
        throw new Error("not connected");
      };
      const { tracker } = trackerIn(m, { keysApi: { query: throwing, changes: throwing } });
      m.expectObservable(tracker.getDeviceKeys([BOB])).toBe("#", undefined, new Error("not connected"));
    }),
  );

  it(
    "uses only the first answer of a port that gives several",
    marbles((m) => {
      const twice$ = m.cold("--a-b", { a: B1, b: answer({ [BOB]: ["B2"] }) });
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [twice$] });
      m.expectObservable(lookup([BOB])).toBe("--(b|)", { b: ["bob B1 current"] });
      m.expectSubscriptions(twice$.subscriptions).toBe("^-!");
    }),
  );
});
