import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { distinctUsers } from "../../src/tracker/arguments.js";
import { complete, type DeviceTrackerOptions } from "../../src/tracker/options.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const required: DeviceTrackerOptions = { userId: ALICE, sync$: NEVER, keysApi: keysApiOf([]) };

describe("the options of a tracker", () => {
  it("have their documented defaults", () => {
    expect(complete(required)).toMatchObject({
      maxUsersPerQuery: 250,
      maxConcurrentQueries: 3,
      queryDeadline: 60_000,
      storeDeadline: 10_000,
      maxListsInMemory: 10_000,
      maxCacheBytes: 67_108_864,
      unsignedDevices: "accept",
      gaps: "ask",
    });
  });

  it.each<[string, Partial<Record<keyof DeviceTrackerOptions, unknown>>]>([
    ["userId", { userId: "alice" }],
    ["userId", { userId: 5 }],
    ["unsignedDevices", { unsignedDevices: "mark" }],
    ["gaps", { gaps: "trust" }],
  ])("are a TypeError that names %s if it is %j", (name, options) => {
    const completing = () => complete({ ...required, ...options } as DeviceTrackerOptions);
    expect(completing).toThrow(TypeError);
    expect(completing).toThrow(name);
  });

  it.each(
    (["maxUsersPerQuery", "maxConcurrentQueries", "maxListsInMemory", "maxCacheBytes"] as const).flatMap((name) =>
      [0, -1, 2.5, Number.NaN].map((value) => [name, value] as const),
    ),
  )("are a RangeError that names %s if it is %d", (name, value) => {
    const completing = () => complete({ ...required, [name]: value });
    expect(completing).toThrow(RangeError);
    expect(completing).toThrow(name);
  });

  it.each(
    (["queryDeadline", "storeDeadline"] as const).flatMap((name) =>
      [0, -1, Number.NaN].map((value) => [name, value] as const),
    ),
  )("are a RangeError that names %s if it is %d", (name, value) => {
    expect(() => complete({ ...required, [name]: value })).toThrow(RangeError);
  });

  it("may be Infinity for every bound", () => {
    const bounds = [
      "maxUsersPerQuery",
      "maxConcurrentQueries",
      "maxListsInMemory",
      "maxCacheBytes",
      "queryDeadline",
      "storeDeadline",
    ];
    for (const name of bounds) expect(() => complete({ ...required, [name]: Number.POSITIVE_INFINITY })).not.toThrow();
  });
});

describe("the users that a caller names", () => {
  it("count once each, in order", () => {
    expect(distinctUsers([CAROL, BOB, CAROL])).toEqual([CAROL, BOB]);
    expect(distinctUsers(new Set([BOB]).values())).toEqual([BOB]);
  });

  it("are not the characters of a string", () => {
    expect(() => distinctUsers(BOB)).toThrow(TypeError);
  });
});
