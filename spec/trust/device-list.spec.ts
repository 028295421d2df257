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
  it("gives what was saved, also where the store has copied it", () => {
    const saved = list();
    expect(readDeviceList(saved, BOB)).toBe(saved);
    expect(readDeviceList(structuredClone(saved), BOB)).toEqual(saved);
    const { masterKey: _, selfSigningKey: __, userSigningKey: ___, ...bare } = saved;
    expect(readDeviceList(bare, BOB)).toBe(bare);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", []],
    ["devices in an object", { ...list(), deviceKeys: { PHONE: testDevice(BOB, "PHONE") } }],
    ["no devices", { ...list(), deviceKeys: undefined }],
    ["no status of a device", { ...list(), deviceStatus: new Map() }],
    ["a status that is none", { ...list(), deviceStatus: new Map([["PHONE", null]]) }],
    [
      "a status that says nothing",
      {
        ...list(),
        deviceStatus: new Map([["PHONE", { signedByItself: true, crossSigned: "yes", dehydrated: false }]]),
      },
    ],
    ["no refusals", { ...list(), rejected: undefined }],
    ["refusals in an object", { ...list(), rejected: {} }],
    ["no time", { ...list(), fetchedAt: "1234" }],
    [
      "a device of somebody else",
      { ...list(), deviceKeys: new Map([["PHONE", testDevice("@mallory:evil.example", "PHONE")]]) },
    ],
    ["a device by another name", { ...list(), deviceKeys: new Map([["TABLET", testDevice(BOB, "PHONE")]]) }],
    ["a device that is none", { ...list(), deviceKeys: new Map([["PHONE", { user_id: BOB }]]) }],
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
    ["a device whose name is no string", { ...list(), deviceKeys: new Map([[5, testDevice(BOB, "PHONE")]]) }],
    ["a refusal without a code", { ...list(), rejected: new Map([["B", { detail: "x" }]]) }],
    ["a refusal without a sentence", { ...list(), rejected: new Map([["B", { code: "malformed" }]]) }],
    ["a refusal that is none", { ...list(), rejected: new Map([["B", null]]) }],
    [
      "a refusal whose device has no name",
      { ...list(), rejected: new Map([[null, { code: "malformed", detail: "x" }]]) },
    ],
    ["somebody else's master key", { ...list(), masterKey: key("master", "@mallory:evil.example") }],
    ["a master key for something else", { ...list(), masterKey: key("self_signing") }],
    ["a self-signing key that is none", { ...list(), selfSigningKey: 5 }],
    ["null for a user-signing key", { ...list(), userSigningKey: null }],
  ])("refuses %s", (_, saved) => {
    expect(readDeviceList(saved, BOB)).toBeUndefined();
  });

  it("refuses the list of somebody else", () => {
    expect(readDeviceList(list(), "@mallory:evil.example")).toBeUndefined();
  });

  it("throws for nothing that a database may hold", () => {
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
  it("does not look at when they were fetched, nor at the order of devices and properties", () => {
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
      "a device more",
      {
        deviceKeys: new Map([
          ["PHONE", testDevice(BOB, "PHONE")],
          ["TABLET", testDevice(BOB, "TABLET")],
        ]),
      },
    ],
    ["a device less", { deviceKeys: new Map() }],
    ["another device in its place", { deviceKeys: new Map([["TABLET", testDevice(BOB, "TABLET")]]) }],
    [
      "another key under the same name",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { keys: { "ed25519:PHONE": "other" } })]]) },
    ],
    [
      "another display name",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { unsigned: { device_display_name: "x" } })]]) },
    ],
    [
      "a signature more",
      { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { signatures: { [BOB]: { "ed25519:X": "s" } } })]]) },
    ],
    ["a property more", { deviceKeys: new Map([["PHONE", testDevice(BOB, "PHONE", { extra: null })]]) }],
    ["a refusal less", { rejected: new Map() }],
    ["another reason", { rejected: new Map([["BAD", { code: "too-large", detail: "x" }]]) }],
    ["another master key", { masterKey: { ...key("master"), keys: { "ed25519:other": "other" } } }],
  ])("tells lists apart by %s", (_, changes) => {
    expect([sameDeviceList(list(), list(changes)), sameDeviceList(list(changes), list())]).toEqual([false, false]);
  });

  it.each(["masterKey", "selfSigningKey", "userSigningKey"] as const)(
    "tells a list with a %s from one without",
    (name) => {
      const { [name]: _, ...without } = list();
      expect([sameDeviceList(list(), without), sameDeviceList(without, list())]).toEqual([false, false]);
    },
  );
});
