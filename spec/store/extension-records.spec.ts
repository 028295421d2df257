import { describe, expect, it } from "vitest";
import { concernsExtensions, readExtensions } from "../../src/store/extension-records.js";
import { NO_SYNC } from "../../src/store/records.js";
import { BOB } from "../support/users.js";
import { changing, step } from "./steps.js";

describe("the records of extensions", () => {
  const saved = new Map<string, unknown>([
    ["rooms/0", "r0"],
    ["rooms/1", "r1"],
    ["rooms/0/0", "a name may look like a record"],
  ]);
  const read = (extensions: Readonly<Record<string, number>> | undefined) =>
    Object.fromEntries(
      readExtensions({ ...NO_SYNC, snapshot: { ...NO_SYNC.snapshot, extensions } }, saved, []).records,
    );

  it("are as many as the snapshot says, in order", () => {
    expect(read({ rooms: 2 })).toEqual({ rooms: ["r0", "r1"] });
    expect(read({ rooms: 1, "rooms/0": 1, empty: 0 })).toEqual({
      rooms: ["r0"],
      "rooms/0": ["a name may look like a record"],
      empty: [],
    });
  });

  it("are none of an extension that the snapshot does not have", () => {
    expect(read(undefined)).toEqual({});
  });

  it("are none if any of them is missing, however many the snapshot says", () => {
    for (const count of [3, 2 ** 52]) expect(read({ rooms: count, empty: 0 })).toEqual({ empty: [] });
  });
});

it.each([
  ["moves the token", changing("s1", "s2"), true],
  ["is the first one", step({ next: "s1" }), true],
  ["has events", step({ events: {} }), true],
  ["moves no token", changing("s1", "s1", BOB), false],
  ["leads to no token", step({ everyone: "outdated" }), false],
])("a step that %s: does it concern extensions?", (_, given, concerns) => {
  expect(concernsExtensions(given)).toBe(concerns);
});
