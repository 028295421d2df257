import { describe, expect, it } from "vitest";
import {
  AlreadyConnectedError,
  DeviceTrackerError,
  InvalidResponseError,
  QueryTimedOutError,
  StoreClearedError,
  StoreFormatError,
  StoreOwnerError,
  StoreTimedOutError,
} from "../../src/index.js";
import { ALICE, BOB } from "../support/users.js";

const errors = [
  [
    new InvalidResponseError("/keys/query", "device_keys", "an object"),
    { name: "InvalidResponseError", endpoint: "/keys/query", path: "device_keys" },
  ],
  [new QueryTimedOutError(60_000, [BOB]), { name: "QueryTimedOutError", deadline: 60_000, userIds: [BOB] }],
  [new StoreTimedOutError(10_000), { name: "StoreTimedOutError", deadline: 10_000 }],
  [new StoreOwnerError(BOB, ALICE), { name: "StoreOwnerError", owner: BOB, userId: ALICE }],
  [new StoreClearedError(), { name: "StoreClearedError" }],
  [new StoreFormatError(2, 1), { name: "StoreFormatError", format: 2, known: 1 }],
  [new AlreadyConnectedError(), { name: "AlreadyConnectedError" }],
] as const;

describe.each(errors)("%s", (error, fields) => {
  it("is an error of this package, with a name and the fields that help", () => {
    expect(error).toBeInstanceOf(DeviceTrackerError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(fields);
  });

  it("says what happened in a sentence", () => {
    expect(error.message.length).toBeGreaterThan(20);
    expect(error.message).not.toMatch(/undefined|\[object/u);
  });
});

describe("InvalidResponseError", () => {
  it("keeps what caused it", () => {
    const cause = new SyntaxError("bad JSON");
    expect(new InvalidResponseError("/sync", "", "JSON", { cause }).cause).toBe(cause);
  });
});
