import { describe, expect, it } from "vitest";
import {
  AlreadyConnectedError,
  DeviceTrackerError,
  IdentityChangedError,
  InvalidResponseError,
  QueryTimedOutError,
  StoreClearedError,
  StoreFormatError,
  StoreOwnerError,
  StoreTimedOutError,
  TrackerClosedError,
  VerificationFailedError,
} from "../../src/model/errors.js";
import { ALICE, BOB } from "../support/users.js";

const errors = [
  [
    new InvalidResponseError("/keys/query", "device_keys", "an object"),
    { name: "InvalidResponseError", endpoint: "/keys/query", path: "device_keys" },
    '/keys/query returned an invalid response: "device_keys" should be an object',
  ],
  [
    new InvalidResponseError("/sync", "", "an object"),
    { name: "InvalidResponseError", endpoint: "/sync", path: "" },
    "/sync returned an invalid response: the response should be an object",
  ],
  [
    new QueryTimedOutError(60_000, [BOB]),
    { name: "QueryTimedOutError", deadline: 60_000, userIds: [BOB] },
    "/keys/query for 1 user(s) had no response within 60000 ms and was aborted; try again",
  ],
  [
    new VerificationFailedError(3, { cause: new Error("no WebCrypto") }),
    { name: "VerificationFailedError", signatures: 3, cause: new Error("no WebCrypto") },
    "3 signature(s) of a response could not be verified, so nothing of it was used: no WebCrypto; try again",
  ],
  [
    new IdentityChangedError(BOB, "old", "new"),
    { name: "IdentityChangedError", userId: BOB, acknowledged: "old", masterKey: "new" },
    `the master key of ${BOB} is new now, not old: compare the current key before you acknowledge it`,
  ],
  [
    new IdentityChangedError(BOB, "old", undefined),
    { name: "IdentityChangedError", userId: BOB, acknowledged: "old", masterKey: undefined },
    `${BOB} has no master key now, not old: compare the current key before you acknowledge it`,
  ],
  [
    new StoreTimedOutError(10_000),
    { name: "StoreTimedOutError", deadline: 10_000 },
    "the device store did not respond within 10000 ms; the operation counts as failed",
  ],
  [
    new StoreOwnerError(BOB, ALICE),
    { name: "StoreOwnerError", owner: BOB, userId: ALICE },
    `this device store belongs to ${BOB}, not to ${ALICE}: use one store per account, or clear() it first`,
  ],
  [
    new StoreClearedError(),
    { name: "StoreClearedError" },
    "this device store was cleared, perhaps by a log-out in another tab: make a new tracker to continue",
  ],
  [
    new StoreFormatError(2, 1),
    { name: "StoreFormatError", format: 2, known: 1 },
    "this device store has format 2, but this version only knows 1: update the package; until then nothing is saved",
  ],
  [
    new AlreadyConnectedError(),
    { name: "AlreadyConnectedError" },
    "this tracker is already connected: unsubscribe the subscription that connect() returned before connecting again",
  ],
  [new TrackerClosedError(), { name: "TrackerClosedError" }, "this tracker was closed with close(): make a new one"],
] as const;

it.each(errors)("%s has a name, helpful fields and a message", (error, fields, message) => {
  expect(error).toBeInstanceOf(DeviceTrackerError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject(fields);
  expect(error.message).toBe(message);
});

describe("InvalidResponseError", () => {
  it("keeps its cause", () => {
    const cause = new SyntaxError("bad JSON");
    expect(new InvalidResponseError("/sync", "", "JSON", { cause }).cause).toBe(cause);
  });
});
