import { map } from "rxjs";
import { describe, it } from "vitest";
import { testDevice } from "../../src/testing/test-device.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";

const DOWN = "down.example";

describe("a user without devices", () => {
  it(
    "has an empty list, which is cached",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { tracked: [BOB], answerAfter: 1 });
      m.expectObservable(lookup([BOB]), "^---").toBe("-(b|)   ", { b: ["bob - current"] });
      m.expectObservable(lookup([BOB]), "---^").toBe("---(b|)", { b: ["bob - current"] });
      expectQueries("0-1 bob");
    }),
  );

  it(
    "has one although another server cannot be reached",
    marbles((m) => {
      const { homeserver, lookup } = setUp(m, { tracked: [BOB, EVE] });
      homeserver.unreachable.add(DOWN);
      m.expectObservable(lookup([BOB, EVE])).toBe("(x|)", { x: ["bob - current", "eve - unreachable"] });
    }),
  );
});

describe("a user whose server cannot be reached", () => {
  it(
    "is unreachable, is not cached, and is queried again",
    marbles((m) => {
      const { homeserver, lookup, expectQueries } = setUp(m, {
        tracked: [EVE],
        devices: { [EVE]: ["E1"] },
        answerAfter: 1,
      });
      homeserver.unreachable.add(DOWN);
      m.acts("--u", { u: () => homeserver.unreachable.clear() });
      m.expectObservable(lookup([EVE]), "^---").toBe("-(e|)", { e: ["eve - unreachable"] });
      m.expectObservable(lookup([EVE]), "---^").toBe("----(e|)", { e: ["eve E1 current"] });
      expectQueries("0-1 eve", "3-4 eve");
    }),
  );

  it(
    "comes with the last list that is known",
    marbles((m) => {
      const { homeserver, lookup, tracker } = setUp(m, { tracked: [EVE], devices: { [EVE]: ["E1"] } });
      m.expectObservable(lookup([EVE]), "^--").toBe("(e|)", { e: ["eve E1 current"] });
      m.acts("-d", {
        d: () => {
          homeserver.unreachable.add(DOWN);
          tracker.invalidate([EVE]).subscribe();
        },
      });
      m.expectObservable(lookup([EVE]), "--^").toBe("--(e|)", { e: ["eve - unreachable (last known E1)"] });
    }),
  );

  it(
    "has been answered if device_keys has an entry for them",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, {
        tracked: [EVE],
        devices: { [EVE]: ["E1"] },
        altered: (response) => ({ ...response, failures: { [DOWN]: {} } }),
      });
      m.expectObservable(lookup([EVE]), "^-").toBe("(e|)", { e: ["eve E1 current"] });
      m.expectObservable(lookup([EVE]), "-^").toBe("-(e|)", { e: ["eve E1 current"] });
      expectQueries("0-0 eve");
    }),
  );

  it(
    "is unreachable rather than untracked or superseded",
    marbles((m) => {
      const { homeserver, lookup, tracker } = setUp(m, { answerAfter: 4 });
      homeserver.unreachable.add(DOWN);
      m.acts("--t", { t: () => tracker.track([EVE]).subscribe() });
      m.expectObservable(lookup([EVE])).toBe("----(e|)", { e: ["eve - unreachable"] });
    }),
  );

  it(
    "is recognised by everything after the first colon, a port included",
    marbles((m) => {
      const eve = "@eve:down.example:8448";
      const { homeserver, lookup } = setUp(m, { tracked: [EVE, eve] });
      homeserver.unreachable.add("down.example:8448");
      m.expectObservable(lookup([EVE, eve])).toBe("(x|)", { x: ["eve - current", "eve - unreachable"] });
    }),
  );
});

describe("a response", () => {
  it(
    "changes nothing for users who were not requested",
    marbles((m) => {
      const uninvited = { [CAROL]: { C9: testDevice(CAROL, "C9") } };
      const { lookup, expectQueries } = setUp(m, {
        tracked: [BOB, CAROL],
        devices: { [BOB]: ["B1"], [CAROL]: ["C1"] },
        altered: (response) => ({ ...response, device_keys: { ...uninvited, ...response.device_keys } }),
      });
      m.expectObservable(lookup([BOB]), "  ^-").toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([CAROL]), "-^").toBe("-(c|)", { c: ["carol C1 current"] });
      expectQueries("0-0 bob", "1-1 carol");
    }),
  );

  it(
    "loses only the devices that are filed under another user or ID",
    marbles((m) => {
      const { homeserver, tracker } = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] } });
      homeserver.addDevice(BOB, "C1", testDevice(CAROL, "C1"));
      homeserver.addDevice(BOB, "B3", testDevice(BOB, "B2"));
      const result$ = tracker.getDeviceKeys([BOB]).pipe(
        map((users) => ({
          devices: [...(users.get(BOB)?.deviceKeys.keys() ?? [])],
          rejected: Array.from(users.get(BOB)?.rejected ?? [], ([deviceId, { code }]) => `${deviceId} ${code}`),
        })),
      );
      m.expectObservable(result$).toBe("(x|)", {
        x: { devices: ["B1"], rejected: ["C1 user-id-mismatch", "B3 device-id-mismatch"] },
      });
    }),
  );

  it(
    "whose part for a user is not a device list makes them unreachable",
    marbles((m) => {
      let isMalformed = true;
      const { lookup, problems$, expectQueries } = setUp(m, {
        tracked: [BOB],
        altered: (response) => (isMalformed ? { device_keys: { [BOB]: "none" } } : response),
      });
      m.expectObservable(lookup([BOB]), "^-").toBe("(b|)", { b: ["bob - unreachable"] });
      m.acts("-m", { m: () => (isMalformed = false) });
      m.expectObservable(lookup([BOB]), "--^").toBe("--(b|)", { b: ["bob - current"] });
      m.expectObservable(problems$).toBe("p", { p: "answer-refused" });
      expectQueries("0-0 bob", "2-2 bob");
    }),
  );

  it(
    "counts for our own user as for others",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { devices: { [ALICE]: ["A1"] } });
      m.expectObservable(lookup([ALICE]), "^-").toBe("(a|)", { a: ["alice A1 current"] });
      m.expectObservable(lookup([ALICE]), "-^").toBe("-(a|)", { a: ["alice A1 current"] });
      expectQueries("0-0 alice");
    }),
  );
});
