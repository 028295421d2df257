import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const downFails = ["down.example"];

describe("a user missing from the answer", () => {
  it(
    "has no devices, which is cached like any answer",
    marbles((m) => {
      const nobody$ = m.cold("            -(x|)   ", { x: answer({}) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB], answers: [nobody$] });
      m.expectObservable(lookup([BOB]), "^-------").toBe("-(b|)   ", { b: ["bob - current"] });
      m.expectObservable(lookup([BOB]), "----^---").toBe("----(b|)", { b: ["bob - current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "has no devices although another server failed",
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB], answers: [of(answer({}, downFails))] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob - current"] });
    }),
  );
});

describe("a user whose server is in failures", () => {
  it(
    "is unreachable, is not cached, and is asked for again",
    marbles((m) => {
      const first$ = m.cold("             -(x|)   ", { x: answer({}, downFails) });
      const second$ = m.cold("               -(x|)", { x: answer({ [EVE]: ["E1"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [EVE], answers: [first$, second$] });
      m.expectObservable(lookup([EVE]), "^-------").toBe("-(b|)   ", { b: ["eve - unreachable"] });
      m.expectObservable(lookup([EVE]), "---^----").toBe("----(b|)", { b: ["eve E1 current"] });
      m.expectObservable(asked$).toBe("b--b", { b: "eve" });
    }),
  );

  it(
    "leaves the users of other servers alone",
    marbles((m) => {
      const { lookup } = trackerIn(m, { tracking: [BOB, EVE], answers: [of(answer({ [BOB]: ["B1"] }, downFails))] });
      m.expectObservable(lookup([EVE, BOB])).toBe("(x|)", { x: ["eve - unreachable", "bob B1 current"] });
    }),
  );

  it(
    "comes with the last list that we had",
    marbles((m) => {
      const sync$ = m.hot("               --x     ", { x: changed(EVE) });
      const first$ = m.cold("             -(x|)   ", { x: answer({ [EVE]: ["E1"] }) });
      const second$ = m.cold("               -(x|)", { x: answer({}, downFails) });
      const { lookup } = trackerIn(m, { tracking: [EVE], sync$, answers: [first$, second$] });
      m.expectObservable(lookup([EVE]), "^-------").toBe("-(b|)   ", { b: ["eve E1 current"] });
      m.expectObservable(lookup([EVE]), "---^----").toBe("----(b|)", { b: ["eve - unreachable (last known E1)"] });
    }),
  );

  it(
    "gets the devices that came all the same, but neither is cached nor hides the last list",
    marbles((m) => {
      const both = answer({ [EVE]: ["E1"] }, downFails);
      const { lookup, requests } = trackerIn(m, { tracking: [EVE], answers: [of(both), of(both)] });
      m.expectObservable(lookup([EVE]), "^--").toBe("(b|)", { b: ["eve E1 unreachable"] });
      m.expectObservable(lookup([EVE]), "-^-").toBe("-(b|)", { b: ["eve E1 unreachable"] });
      m.afterwards(() => {
        expect(requests).toHaveLength(2);
      });
    }),
  );

  it(
    "is unreachable rather than untracked or superseded",
    marbles((m) => {
      const sync$ = m.hot("               --x   ", { x: changed(EVE) });
      const { lookup } = trackerIn(m, { sync$, answers: [m.cold("----(x|)", { x: answer({}, downFails) })] });
      m.expectObservable(lookup([EVE])).toBe("----(b|)", { b: ["eve - unreachable"] });
    }),
  );

  it(
    "is known by all that follows the first colon, a port included",
    marbles((m) => {
      const eve = "@eve:down.example:8448";
      const { lookup } = trackerIn(m, { tracking: [EVE, eve], answers: [of(answer({}, ["down.example:8448"]))] });
      m.expectObservable(lookup([EVE, eve])).toBe("(x|)", { x: ["eve - current", "eve - unreachable"] });
    }),
  );
});

describe("what an answer holds beyond what was asked", () => {
  it(
    "is left alone: users who were not asked for are not cached",
    marbles((m) => {
      const first$ = m.cold("               -(x|)   ", { x: answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }) });
      const second$ = m.cold("                 -(x|)", { x: answer({ [CAROL]: ["C2"] }) });
      const { lookup, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], answers: [first$, second$] });
      m.expectObservable(lookup([BOB]), "  ^-------").toBe("-(b|)   ", { b: ["bob B1 current"] });
      m.expectObservable(lookup([CAROL]), "---^----").toBe("----(c|)", { c: ["carol C2 current"] });
      m.expectObservable(asked$).toBe("b--c", { b: "bob", c: "carol" });
    }),
  );

  it(
    "costs only itself: a device under another's name is refused, with a reason, and the rest is used",
    marbles((m) => {
      const hostile = {
        device_keys: { [BOB]: { B1: testDevice(BOB, "B1"), C1: testDevice(CAROL, "C1"), B3: testDevice(BOB, "B2") } },
      };
      const { tracker } = trackerIn(m, { tracking: [BOB], answers: [of(hostile)] });
      let refused: unknown;
      tracker.getDeviceKeys([BOB]).subscribe((users) => {
        refused = Array.from(users.get(BOB)?.rejected ?? [], ([deviceId, { code }]) => [deviceId, code]);
        expect([...(users.get(BOB)?.deviceKeys.keys() ?? [])]).toEqual(["B1"]);
      });
      m.afterwards(() => {
        expect(refused).toEqual([
          ["C1", "user-id-mismatch"],
          ["B3", "device-id-mismatch"],
        ]);
      });
    }),
  );

  it(
    "is told where a user's part is no device list: they are unreachable and asked for again",
    marbles((m) => {
      const nonsense = { device_keys: { [BOB]: "none" } } as unknown as KeysQueryResponse;
      const { lookup, problems$, requests } = trackerIn(m, {
        tracking: [BOB],
        answers: [of(nonsense), of(answer({}))],
      });
      m.expectObservable(lookup([BOB]), "^--").toBe("(b|)", { b: ["bob - unreachable"] });
      m.expectObservable(lookup([BOB]), "-^-").toBe("-(b|)", { b: ["bob - current"] });
      m.expectObservable(problems$).toBe("p", { p: "answer-refused" });
      m.afterwards(() => {
        expect(requests).toHaveLength(2);
      });
    }),
  );

  it(
    "is read for our own user as for others, and asked for only once",
    marbles((m) => {
      const { lookup, requests } = trackerIn(m, { answers: [of(answer({ [ALICE]: ["A1"] }))] });
      m.expectObservable(lookup([ALICE]), "^--").toBe("(b|)", { b: ["alice A1 current"] });
      m.expectObservable(lookup([ALICE]), "-^-").toBe("-(b|)", { b: ["alice A1 current"] });
      m.afterwards(() => {
        expect(requests).toHaveLength(1);
      });
    }),
  );
});
