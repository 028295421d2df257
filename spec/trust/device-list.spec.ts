import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyList, readDeviceList, sameDeviceList, type DeviceList } from "../../src/trust/device-list.js";
import { MAX_DEVICE_LENGTH } from "../../src/keys/limits.js";
import { testDevice } from "../../src/testing/test-device.js";

const BOB = "@bob:example.org";
const key = (usage: string, userId = BOB) => ({
  user_id: userId,
  usage: [usage],
  keys: { [`ed25519:${usage}`]: usage },
});
const list = (changes: Partial<DeviceList> = {}): DeviceList => ({
  ...emptyList(1_234),
  deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE")]]),
  deviceStatus: new Map([["PHONE", { signedByItself: false, crossSigned: false, dehydrated: false }]]),
  rejected: new Map([["BAD", { code: "malformed", detail: "keys: expected an object of strings" }]]),
  masterKey: key("master"),
  selfSigningKey: key("self_signing"),
  userSigningKey: key("user_signing"),
  ...changes,
});

describe("readDeviceList", () => {
  it("returns the saved list, also from a copy", () => {
    const saved = list();
    expect(readDeviceList(saved, BOB)).toEqual(saved);
    expect(readDeviceList(structuredClone(saved), BOB)).toEqual(saved);
    const { masterKey: _, selfSigningKey: __, userSigningKey: ___, ...bare } = saved;
    expect(readDeviceList(bare, BOB)).toEqual(bare);
  });

  it.each(["digest", "__proto__"])("leaves out an unknown property: %s", (name) => {
    const saved = Object.defineProperty(list(), name, { value: { fetchedAt: 5 }, enumerable: true });
    const read = readDeviceList(saved, BOB) ?? {};
    expect(read).toEqual(list());
    expect([Object.hasOwn(read, name), Object.getPrototypeOf(read)]).toEqual([false, Object.prototype]);
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["an array", []],
    ["devices in an object", { ...list(), deviceKeys: { PHONE: testDevice(BOB, "PHONE") } }],
    ["missing devices", { ...list(), deviceKeys: undefined }],
    ["a device without a status", { ...list(), deviceStatus: new Map() }],
    ["a status that is null", { ...list(), deviceStatus: new Map([["PHONE", null]]) }],
    [
      "a status that is not boolean",
      {
        ...list(),
        deviceStatus: new Map([["PHONE", { signedByItself: true, crossSigned: "yes", dehydrated: false }]]),
      },
    ],
    ["missing refusals", { ...list(), rejected: undefined }],
    ["refusals in an object", { ...list(), rejected: {} }],
    ["a time that is not a number", { ...list(), fetchedAt: "1234" }],
    [
      "a device of another user",
      { ...list(), deviceKeys: new Map([["PHONE", testDevice("@mallory:evil.example", "PHONE")]]) },
    ],
    ["a device under another ID", { ...list(), deviceKeys: new Map([["TABLET", testDevice(BOB, "PHONE")]]) }],
    ["a malformed device", { ...list(), deviceKeys: new Map([["PHONE", { user_id: BOB }]]) }],
    [
      "a device that is too large",
      {
        ...list(),
        deviceKeys: new Map([["PHONE", { ...testDevice(BOB, "PHONE"), x: "x".repeat(MAX_DEVICE_LENGTH) }]]),
      },
    ],
    [
      "one bad device among good ones",
      {
        ...list(),
        deviceKeys: new Map<string, unknown>([
          ["PHONE", testDevice(BOB, "PHONE")],
          ["B", null],
        ]),
      },
    ],
    ["a device ID that is not a string", { ...list(), deviceKeys: new Map([[5, testDevice(BOB, "PHONE")]]) }],
    ["an identity confirmed in another way", { ...list(), identity: { signedBy: [], confirmed: "yes" } }],
    ["an identity verified in another way", { ...list(), identity: { signedBy: [], wasVerified: 1 } }],
    ["collisions that are not listed", { ...list(), identity: { signedBy: [], collisions: "PHONE" } }],
    ["collisions that are no device IDs", { ...list(), identity: { signedBy: [], collisions: [5] } }],
    ["an identity compared in another way", { ...list(), identity: { signedBy: [], uncompared: false } }],
    ["a refusal without a code", { ...list(), rejected: new Map([["B", { detail: "x" }]]) }],
    ["a refusal without a detail", { ...list(), rejected: new Map([["B", { code: "malformed" }]]) }],
    ["a refusal that is null", { ...list(), rejected: new Map([["B", null]]) }],
    ["a refusal without a device ID", { ...list(), rejected: new Map([[null, { code: "malformed", detail: "x" }]]) }],
    ["a master key of another user", { ...list(), masterKey: key("master", "@mallory:evil.example") }],
    ["a master key with another usage", { ...list(), masterKey: key("self_signing") }],
    ["a malformed self-signing key", { ...list(), selfSigningKey: 5 }],
    ["null as the user-signing key", { ...list(), userSigningKey: null }],
  ])("refuses %s", (_, saved) => {
    expect(readDeviceList(saved, BOB)).toBeUndefined();
  });

  it("refuses the list of another user", () => {
    expect(readDeviceList(list(), "@mallory:evil.example")).toBeUndefined();
  });

  it("never throws, whatever a database contains", () => {
    const anything = fc.anything({
      withMap: true,
      withSet: true,
      withDate: true,
      withTypedArray: true,
      withNullPrototype: true,
      withBigInt: true,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          fc.record(
            {
              deviceKeys: fc.oneof(
                anything,
                anything.map((value) => new Map([["A", value]])),
              ),
              rejected: fc.oneof(anything, fc.constant(new Map())),
              fetchedAt: fc.oneof(fc.integer(), anything),
              masterKey: anything,
            },
            { requiredKeys: [] },
          ),
        ),
        (saved) => {
          readDeviceList(saved, BOB);
        },
      ),
    );
  });
});

describe("sameDeviceList", () => {
  it("ignores the time of fetching and any order", () => {
    const phone = testDevice(BOB, "PHONE");
    const tablet = testDevice(BOB, "TABLET");
    const reordered = Object.fromEntries(Object.entries(phone).reverse()) as typeof phone;
    const a = list({
      deviceKeys: new Map([
        ["PHONE", phone],
        ["TABLET", tablet],
      ]),
      fetchedAt: 1,
    });
    const b = list({
      deviceKeys: new Map([
        ["TABLET", structuredClone(tablet)],
        ["PHONE", reordered],
      ]),
      fetchedAt: 2,
    });
    expect([sameDeviceList(a, b), sameDeviceList(b, a)]).toEqual([true, true]);
  });

  it.each<[string, Partial<DeviceList>]>([
    [
      "an additional device",
      {
        deviceKeys: new Map([
          ["PHONE", testDevice(BOB, "PHONE")],
          ["TABLET", testDevice(BOB, "TABLET")],
        ]),
      },
    ],
    ["a missing device", { deviceKeys: new Map() }],
    ["a replaced device", { deviceKeys: new Map([["TABLET", testDevice(BOB, "TABLET")]]) }],
    [
      "another key of a device",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { keys: { "ed25519:PHONE": "other" } })]]) },
    ],
    [
      "another display name",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { unsigned: { device_display_name: "x" } })]]) },
    ],
    [
      "an additional signature",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { signatures: { [BOB]: { "ed25519:X": "s" } } })]]) },
    ],
    ["an additional property", { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { extra: null })]]) }],
    ["a missing refusal", { rejected: new Map() }],
    ["another reason", { rejected: new Map([["BAD", { code: "too-large", detail: "x" }]]) }],
    ["another master key", { masterKey: { ...key("master"), keys: { "ed25519:other": "other" } } }],
  ])("distinguishes lists by %s", (_, changes) => {
    expect([sameDeviceList(list(), list(changes)), sameDeviceList(list(changes), list())]).toEqual([false, false]);
  });

  it.each(["masterKey", "selfSigningKey", "userSigningKey"] as const)(
    "distinguishes lists with and without a %s",
    (name) => {
      const { [name]: _, ...without } = list();
      expect([sameDeviceList(list(), without), sameDeviceList(without, list())]).toEqual([false, false]);
    },
  );
});
