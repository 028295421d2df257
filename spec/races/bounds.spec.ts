import { describe, expect, it } from "vitest";
import { NEVER } from "rxjs";
import { QueryTimedOutError } from "../../src/model/errors.js";
import type { RejectionReason } from "../../src/model/results.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { testDevice } from "../../src/testing/test-device.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB } from "../support/users.js";
import { answer } from "../support/wire.js";
import { PlatformTimers } from "./platform-timers.js";

const B1 = answer({ [BOB]: ["B1"] });
const lists = { b: ["bob B1 current"] };

describe("a deadline that is longer than a platform's timers can wait", () => {
  const deadlines = [Number.POSITIVE_INFINITY, 2 ** 31, Number.MAX_SAFE_INTEGER];

  it.each(deadlines)("does not end a query at once: queryDeadline %d", (queryDeadline) => {
    marbles((m) => {
      const { lookup } = trackerIn(m, {
        scheduler: new PlatformTimers(m.scheduler),
        queryDeadline,
        tracking: [BOB],
        answers: [m.cold("100ms (b|)", { b: B1 })],
      });
      m.expectObservable(lookup([BOB])).toBe("100ms (b|)", lists);
    })();
  });

  it.each([2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER])(
    "does not end a query at once: getDeviceKeys with timeout %d",
    (timeout) => {
      marbles((m) => {
        const { lookup } = trackerIn(m, {
          scheduler: new PlatformTimers(m.scheduler),
          tracking: [BOB],
          answers: [m.cold("100ms (b|)", { b: B1 })],
        });
        m.expectObservable(lookup([BOB], { timeout })).toBe("100ms (b|)", lists);
      })();
    },
  );

  it.each(deadlines)("does not fail the store at once: storeDeadline %d", (storeDeadline) => {
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 100 });
      const { lookup, tracker, problems$ } = trackerIn(m, {
        scheduler: new PlatformTimers(m.scheduler),
        storeDeadline,
        store,
        answers: [m.cold("(b|)", { b: B1 })],
      });
      m.expectObservable(tracker.track([BOB])).toBe("400ms |");
      m.expectObservable(lookup([BOB]), "1s ^").toBe("1100ms (b|)", lists); // saving takes 100 ms
      m.expectObservable(problems$).toBe("-");
    })();
  });

  it(
    "ends a query that is never answered",
    marbles((m) => {
      const { lookup } = trackerIn(m, {
        scheduler: new PlatformTimers(m.scheduler),
        tracking: [BOB],
        queryDeadline: 2 ** 31 - 1,
        answers: [NEVER],
      });
      m.expectObservable(lookup([BOB])).toBe(
        `${2 ** 31 - 1}ms #`,
        undefined,
        new QueryTimedOutError(2 ** 31 - 1, [BOB]),
      );
    }),
  );
});

describe("the detail of a refused device", () => {
  const huge = "x".repeat(30_000);
  const devices: readonly (readonly [what: string, device: unknown, code: RejectionReason["code"]])[] = [
    ["a string where its algorithms should be", { ...testDevice(BOB, "B1"), algorithms: huge }, "malformed"],
    ["an algorithm that is an object", { ...testDevice(BOB, "B1"), algorithms: [{ [huge]: huge }] }, "malformed"],
    ["a key that is no string", { ...testDevice(BOB, "B1"), keys: { [huge]: [huge] } }, "malformed"],
    ["a signature that is no string", { ...testDevice(BOB, "B1"), signatures: { [huge]: { [huge]: 1 } } }, "malformed"],
    ["an unsigned part that is a string", { ...testDevice(BOB, "B1"), unsigned: huge }, "malformed"],
    ["a user ID that is an array", { ...testDevice(BOB, "B1"), user_id: [huge] }, "malformed"],
    ["another user's ID", { ...testDevice(BOB, "B1"), user_id: `@${huge}:example.org` }, "user-id-mismatch"],
    ["another device's ID", { ...testDevice(BOB, "B1"), device_id: huge }, "device-id-mismatch"],
    ["a string instead of it", huge, "malformed"],
    ["too much of everything", { ...testDevice(BOB, "B1"), [huge]: huge.repeat(4) }, "too-large"],
  ];

  it.each(devices)("is short if the server's device is long: %s", (_, device, code) => {
    marbles((m) => {
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        answers: [m.cold("(b|)", { b: { device_keys: { [BOB]: { B1: device as never } } } })],
      });
      const refused: (RejectionReason | undefined)[] = [];
      tracker.getDeviceKeys([BOB]).subscribe((users) => refused.push(users.get(BOB)?.rejected.get("B1")));
      m.afterwards(() => {
        expect(refused.map((reason) => reason?.code)).toEqual([code]);
        expect(refused[0]?.detail.length).toBeLessThan(300);
      });
    })();
  });

  it(
    "is short if the device's ID is long",
    marbles((m) => {
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        answers: [m.cold("(b|)", { b: { device_keys: { [BOB]: { [huge]: testDevice(BOB, "B1") } } } })],
      });
      const details: string[] = [];
      tracker
        .getDeviceKeys([BOB])
        .subscribe((users) =>
          details.push(...[...(users.get(BOB)?.rejected.values() ?? [])].map(({ detail }) => detail)),
        );
      m.afterwards(() => {
        expect(details).toHaveLength(1);
        expect(details[0]?.length).toBeLessThan(300);
      });
    }),
  );
});
