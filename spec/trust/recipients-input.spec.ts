import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { RecipientPolicy } from "../../src/trust/recipient-policy.js";
import { recipients } from "../../src/trust/recipients.js";
import { BOB } from "../support/users.js";
import { entryOf, lookupOfBob } from "./looked-up.js";

const users = lookupOfBob({ devices: { D: {} } });
const FLAGS = [
  "unsigned",
  "excludeChangedIdentities",
  "excludeUnknownIdentities",
  "excludeViolations",
  "excludeDehydrated",
] as const;
const PROPERTIES = ["devices", ...FLAGS, "blocked", "ownDevice", "users"].join(", ");
const D = { userId: BOB, deviceId: "D" };

const refuses = (given: unknown, policy: unknown, message: string) => {
  const error = new TypeError(message);
  expect(() => recipients(given as DeviceKeysByUser, policy as RecipientPolicy)).toThrow(error);
};

describe("the policy of recipients", () => {
  it.each<[unknown, string]>([
    [null, "null"],
    ["all", '"all"'],
    [true, "true"],
    [["all"], "[object Array]"],
    [new Map([["devices", "all"]]), "[object Map]"],
    [Object.create({ devices: "all" }), "[object Object]"],
    [() => ({ devices: "all" }), "[object Function]"],
  ])("cannot be %o", (policy, shown) => {
    refuses(users, policy, `policy should be a plain object, not ${shown}`);
  });

  it.each(["device", "Devices", "excludeUnsigned", "__proto__", "constructor"])("has no property %s", (name) => {
    const message = `policy should have no property "${name}", only ${PROPERTIES}`;
    refuses(users, JSON.parse(`{"${name}": true}`), message);
    refuses(users, Object.fromEntries([[name, undefined]]), message);
  });

  it.each([
    ["Cross-signed", '"Cross-signed"'],
    ["ALL", '"ALL"'],
    ["", '""'],
    [null, "null"],
    [true, "true"],
    [["all"], "[object Array]"],
  ])("cannot ask for devices %o", (devices, shown) => {
    refuses(users, { devices }, `policy.devices should be "cross-signed" or "all", not ${shown}`);
  });

  describe.each(FLAGS)("cannot have %s:", (flag) => {
    it.each<[unknown, string]>([
      [null, "null"],
      [0, "0"],
      [1, "1"],
      ["no", '"no"'],
      ["", '""'],
      [{}, "[object Object]"],
    ])("%o", (value, shown) => {
      refuses(users, { [flag]: value }, `policy.${flag} should be a boolean, not ${shown}`);
    });
  });

  it.each<[unknown, string]>([
    [null, "policy.blocked should be an iterable of { userId, deviceId }, not null"],
    ["DEVICE", 'policy.blocked should be an iterable of { userId, deviceId }, not "DEVICE"'],
    ["", 'policy.blocked should be an iterable of { userId, deviceId }, not ""'],
    [D, "policy.blocked should be an iterable of { userId, deviceId }, not [object Object]"],
    [["D"], 'a device in policy.blocked should be { userId, deviceId }, not "D"'],
    [[null], "a device in policy.blocked should be { userId, deviceId }, not null"],
    [new Map([[BOB, "D"]]), "a device in policy.blocked should be { userId, deviceId }, not [object Array]"],
    [
      [D, { userId: "bob", deviceId: "D" }],
      'userId of a device in policy.blocked should be a user ID such as "@alice:example.org", not "bob"',
    ],
    [
      [{ userId: BOB }],
      "deviceId of a device in policy.blocked should be a device ID, which is a string, not undefined",
    ],
  ])("cannot block %o", (blocked, message) => {
    refuses(users, { blocked }, message);
  });

  it.each<[unknown, string]>([
    [null, "policy.ownDevice should be { userId, deviceId }, not null"],
    ["D", 'policy.ownDevice should be { userId, deviceId }, not "D"'],
    [[D], "policy.ownDevice should be { userId, deviceId }, not [object Array]"],
    [{ deviceId: "D" }, 'userId of policy.ownDevice should be a user ID such as "@alice:example.org", not undefined'],
    [
      { userId: "D", deviceId: BOB },
      'userId of policy.ownDevice should be a user ID such as "@alice:example.org", not "D"',
    ],
    [
      { user_id: BOB, device_id: "D" },
      'userId of policy.ownDevice should be a user ID such as "@alice:example.org", not undefined',
    ],
    [{ userId: BOB, deviceId: "" }, 'deviceId of policy.ownDevice should be a device ID, which is a string, not ""'],
    [{ userId: BOB, deviceId: 5 }, "deviceId of policy.ownDevice should be a device ID, which is a string, not 5"],
  ])("cannot name %o as the sending device", (ownDevice, message) => {
    refuses(users, { ownDevice }, message);
  });

  it.each<[unknown, string]>([
    [null, "policy.users should be an iterable of user IDs, not null"],
    [BOB, `policy.users should be an iterable of user IDs, not "${BOB}"`],
    [{ [BOB]: true }, "policy.users should be an iterable of user IDs, not [object Object]"],
    [users, "a user in policy.users should be a user ID, which is a string, not [object Array]"],
    [[BOB, undefined], "a user in policy.users should be a user ID, which is a string, not undefined"],
  ])("cannot want %o", (wanted, message) => {
    refuses(users, { users: wanted }, message);
  });

  it("may name devices by objects that have more properties", () => {
    const session = { ...D, accessToken: "secret" };
    expect(recipients(users, { ownDevice: session, blocked: [session] }).leftOut).toEqual([
      { ...D, reason: "own-device" },
    ]);
    expect(recipients(users, { blocked: recipients(users).devices }).leftOut).toMatchObject([
      { ...D, reason: "blocked" },
    ]);
  });

  it("may come from another realm", () => {
    const policy = runInNewContext(`({ devices: "all", blocked: [{ userId: "${BOB}", deviceId: "D" }] })`) as object;
    expect(recipients(users, policy).leftOut).toMatchObject([{ ...D, reason: "blocked" }]);
  });

  it("is checked even if there are no users", () => {
    refuses(new Map(), { devices: "everyone" }, 'policy.devices should be "cross-signed" or "all", not "everyone"');
  });
});

describe("the users of recipients", () => {
  it.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "null"],
    [BOB, `"${BOB}"`],
    [[...users], "[object Array]"],
    [new Set([BOB]), "[object Set]"],
    [Object.fromEntries(users), "[object Object]"],
  ])("cannot be %o", (given, shown) => {
    refuses(given, {}, `users should be the Map that a lookup emits, not ${shown}`);
  });

  const entry = entryOf(BOB, { devices: { D: {} } });
  it.each<[string, unknown, string, string]>([
    ["undefined", undefined, "the entry", "undefined"],
    ["an array", [], "the entry", "[object Array]"],
    ["the devices alone", entry.deviceKeys, "deviceKeys", "undefined"],
    ["devices in an object", { ...entry, deviceKeys: {} }, "deviceKeys", "[object Object]"],
    ["last known devices in an object", { ...entry, lastKnown: {} }, "lastKnown", "[object Object]"],
    ["no status", { ...entry, deviceStatus: undefined }, "deviceStatus", "undefined"],
    ["refusals in an array", { ...entry, rejected: [] }, "rejected", "[object Array]"],
    ["no identity", { ...entry, identity: undefined }, "identity", "undefined"],
    [
      "an unknown state",
      { ...entry, identity: { ...entry.identity, state: "Changed" } },
      "identity.state",
      '"Changed"',
    ],
    ["a state named toString", { ...entry, identity: { state: "toString" } }, "identity.state", '"toString"'],
    ["an unknown freshness", { ...entry, freshness: "fresh" }, "freshness", '"fresh"'],
  ])("cannot have %s in an entry", (_, given, what, shown) => {
    refuses(new Map([[BOB, given]]), {}, `users should be what a lookup emits: ${what} of "${BOB}" is ${shown}`);
  });

  it("cannot have keys that are not strings", () => {
    refuses(new Map([[5, entry]]), {}, "users should have user IDs as keys, not 5");
  });

  it("may come from another realm", () => {
    const given = runInNewContext("new Map(entries)", { entries: [...users] }) as DeviceKeysByUser;
    expect(recipients(given)).toEqual(recipients(users));
  });
});
