import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import {
  MAX_LIST_LENGTH,
  MAX_PINNED_DEVICES_PER_USER,
  MAX_REJECTED_ID_LENGTH,
  MAX_REJECTED_PER_USER,
} from "../../src/keys/limits.js";
import { applyPins } from "../../src/trust/apply-pins.js";
import { mergePins, NO_PINS, pinsOf, readPins, type Pins } from "../../src/trust/pins.js";
import type { DeviceStatus, RejectionReason } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { keyPair, signedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";

const bob = signedAccount(BOB);
const phone = bob.device("PHONE");
const tablet = bob.device("TABLET");
const other = keyPair("another phone");
const swapped = bob.device("PHONE", { key: other });
const status = (changes: Partial<DeviceStatus> = {}): DeviceStatus => ({
  signedByItself: true,
  crossSigned: true,
  dehydrated: false,
  ...changes,
});
const ed25519 = (device: DeviceKeys) => device.keys[`ed25519:${device.device_id}`] ?? "";
const curve25519 = (device: DeviceKeys) => device.keys[`curve25519:${device.device_id}`] ?? "";
const withoutEd25519 = (device: DeviceKeys) =>
  bob.device(device.device_id, {
    signedBy: [],
    properties: { keys: { [`curve25519:${device.device_id}`]: curve25519(device) } },
  });
const pinned = (devices: readonly DeviceKeys[], masterKey?: string): Pins => ({
  devices: new Map(devices.map((device) => [device.device_id, ed25519(device)])),
  ...(masterKey !== undefined && { masterKey }),
});

/** A list as verification leaves it: these devices, all of them signed, and Bob's cross-signing keys. */
const verified = (devices: readonly DeviceKeys[], changes: Partial<DeviceList> = {}): DeviceList => ({
  ...emptyList(5),
  deviceKeys: new Map(devices.map((device) => [device.device_id, device])),
  deviceStatus: new Map(devices.map((device) => [device.device_id, status()])),
  masterKey: bob.masterKey,
  selfSigningKey: bob.selfSigningKey,
  identity: { masterKey: bob.master.publicKey, signedBy: [] },
  ...changes,
});
const devicesOf = ({ deviceKeys }: DeviceList) => [...deviceKeys.values()];
const codesOf = ({ rejected }: DeviceList) => Array.from(rejected, ([deviceId, { code }]) => [deviceId, code]);

describe("applyPins", () => {
  it("pins each device's ed25519 key and the master key, when they are first seen", () => {
    const { list, pins } = applyPins(verified([phone, tablet]), NO_PINS, undefined);
    expect(pins).toMatchObject(pinned([phone, tablet], bob.master.publicKey));
    expect(list).toEqual(
      verified([phone, tablet], {
        identity: { masterKey: bob.master.publicKey, pinnedMasterKey: bob.master.publicKey, signedBy: [] },
      }),
    );
  });

  it("gives the same pins where nothing is new, and never changes those it was given", () => {
    const before: Pins = { ...pinned([phone], bob.master.publicKey), signed: new Set(["PHONE"]) };
    expect(applyPins(verified([phone]), before, undefined).pins).toBe(before);
    expect(applyPins(verified([]), before, undefined).pins).toBe(before);
    expect(applyPins(verified([], { identity: { signedBy: [] } }), NO_PINS, undefined).pins).toBe(NO_PINS);
    expect(applyPins(verified([phone, tablet]), before, undefined).pins).toMatchObject(
      pinned([phone, tablet], bob.master.publicKey),
    );
    expect(before).toMatchObject(pinned([phone], bob.master.publicKey));
  });

  describe("a device with another ed25519 key than the pinned one", () => {
    const pins = pinned([phone], bob.master.publicKey);

    it("is refused; the device as it was is kept, as what it was, and the pin, too", () => {
      const before = verified([phone], { deviceStatus: new Map([["PHONE", status({ dehydrated: true })]]) });
      const { list, pins: after } = applyPins(verified([swapped, tablet]), pins, before);
      expect(devicesOf(list)).toEqual([phone, tablet]);
      expect(list.deviceStatus).toEqual(
        new Map([
          ["PHONE", status({ dehydrated: true })],
          ["TABLET", status()],
        ]),
      );
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
      expect(list.rejected.get("PHONE")?.detail).toContain("the device is kept as it was");
      expect(after).toMatchObject(pinned([phone, tablet], bob.master.publicKey));
    });

    it("is refused, too, where it has none at all", () => {
      const { list } = applyPins(verified([withoutEd25519(phone), tablet]), pins, verified([phone]));
      expect(devicesOf(list)).toEqual([phone, tablet]);
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
    });

    it.each<[string, DeviceList | undefined]>([
      ["it was deleted and comes back", verified([tablet])],
      ["its user left and comes back", undefined],
      ["it was in no list that was cached", undefined],
      ["the list at hand has yet another key for it", verified([bob.device("PHONE", { key: keyPair("a third") })])],
    ])("is left out, where %s, and costs no other device", (_, before) => {
      const { list, pins: after } = applyPins(verified([swapped, tablet]), pins, before);
      expect(devicesOf(list)).toEqual([tablet]);
      expect([...list.deviceStatus.keys()]).toEqual(["TABLET"]);
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
      expect(list.rejected.get("PHONE")?.detail).toContain("the device is left out");
      expect(after.devices.get("PHONE")).toBe(ed25519(phone));
    });

    it("is refused, too, after the one kept in its place, however often it is tried", () => {
      let list = verified([phone]);
      for (let i = 0; i < 3; i++) ({ list } = applyPins(verified([swapped]), pins, list));
      expect(devicesOf(list)).toEqual([phone]);
    });

    it("with the pinned key again, it is taken as it comes", () => {
      const { list: kept } = applyPins(verified([swapped]), pins, verified([phone]));
      const renamed = { ...phone, unsigned: { device_display_name: "new" } };
      const { list } = applyPins(verified([renamed]), pins, kept);
      expect(devicesOf(list)).toEqual([renamed]);
      expect(codesOf(list)).toEqual([]);
    });

    it("that was kept is cross-signed no longer than the self-signing key is the same", () => {
      const crossSigned = (changes: Partial<DeviceList>) =>
        applyPins(verified([swapped], changes), pins, verified([phone])).list.deviceStatus.get("PHONE");
      expect(crossSigned({})).toEqual(status());
      expect(crossSigned({ selfSigningKey: signedAccount(BOB, "new").selfSigningKey })).toEqual(
        status({ crossSigned: false }),
      );
      const { selfSigningKey: _, ...without } = verified([swapped]);
      expect(applyPins(without, pins, verified([phone])).list.deviceStatus.get("PHONE")).toEqual(
        status({ crossSigned: false }),
      );
    });
  });

  describe("a device whose new form verification has refused", () => {
    const refused = (code: RejectionReason["code"]) =>
      verified([tablet], { rejected: new Map([["PHONE", { code, detail: "x" }]]) });
    const pins = pinned([phone, tablet], bob.master.publicKey);

    it.each([
      "malformed",
      "user-id-mismatch",
      "device-id-mismatch",
      "too-large",
      "invalid-signature",
      "unsigned",
    ] as const)("(%s) is kept as it was, where we have it", (code) => {
      const { list } = applyPins(refused(code), pins, verified([phone, tablet]));
      expect(list.deviceKeys).toEqual(
        new Map([
          ["TABLET", tablet],
          ["PHONE", phone],
        ]),
      );
      expect(list.deviceStatus.get("PHONE")).toEqual(status());
      expect(codesOf(list)).toEqual([["PHONE", code]]);
      expect([...applyPins(refused(code), pins, verified([tablet])).list.deviceKeys.keys()]).toEqual(["TABLET"]);
    });

    it("is not kept where it is the device that is refused", () => {
      expect(devicesOf(applyPins(refused("cross-signing-id"), pins, verified([phone])).list)).toEqual([tablet]);
      const unsigned = verified([phone], { deviceStatus: new Map([["PHONE", status({ signedByItself: false })]]) });
      expect(devicesOf(applyPins(refused("unsigned"), pins, unsigned).list)).toEqual([tablet]);
    });
  });

  it("refuses a device that was signed by itself and is not any more, and keeps it as it was: a server could put another curve25519 key under the same ed25519 key", () => {
    const stripped = bob.device("PHONE", { curve25519: keyPair("mallory").publicKey, signedBy: [] });
    const unsigned = { deviceStatus: new Map([["PHONE", status({ signedByItself: false, crossSigned: false })]]) };
    const { list } = applyPins(verified([stripped], unsigned), pinned([phone]), verified([phone]));
    expect(devicesOf(list)).toEqual([phone]);
    expect(list.deviceStatus.get("PHONE")).toEqual(status());
    expect(codesOf(list)).toEqual([["PHONE", "unsigned"]]);
    expect(
      devicesOf(applyPins(verified([stripped], unsigned), pinned([phone]), verified([phone], unsigned)).list),
    ).toEqual([stripped]);
  });

  it("refuses it, too, after it was deleted and came back: what was signed is remembered with the key", () => {
    const stripped = bob.device("PHONE", { curve25519: keyPair("mallory").publicKey, signedBy: [] });
    const { pins } = applyPins(verified([phone]), NO_PINS, undefined);
    const { pins: later } = applyPins(verified([]), pins, verified([phone]));
    const { list } = applyPins(
      verified([stripped], { deviceStatus: new Map([["PHONE", status({ signedByItself: false })]]) }),
      later,
      undefined,
    );
    expect([devicesOf(list), codesOf(list)]).toEqual([[], [["PHONE", "unsigned"]]]);
  });

  it("keeps no unsigned device where those are refused", () => {
    const unsigned = verified([phone], { deviceStatus: new Map([["PHONE", status({ signedByItself: false })]]) });
    const swapped = verified([bob.device("PHONE", { key: other })]);
    expect(devicesOf(applyPins(swapped, pinned([phone]), unsigned, true).list)).toEqual([]);
    expect(devicesOf(applyPins(swapped, pinned([phone]), unsigned).list)).toEqual([phone]);
  });

  it("keeps no more than a list may hold, however many answers it takes to fill it", () => {
    const large = Array.from({ length: 80 }, (_, i) =>
      bob.device(`D${i}`, { signedBy: [], properties: { filling: "x".repeat(60_000) } }),
    );
    const changed = large.map(({ device_id }) =>
      bob.device(device_id, { key: other, curve25519: keyPair(device_id).publicKey, signedBy: [] }),
    );
    const { list } = applyPins(verified(changed), pinned(large), verified(large));
    expect(list.deviceKeys.size).toBeGreaterThan(60);
    expect(devicesOf(list).reduce((length, device) => length + JSON.stringify(device).length, 0)).toBeLessThanOrEqual(
      MAX_LIST_LENGTH,
    );
    expect(list.rejected.size).toBe(80);
  });

  it("takes a device without an ed25519 key, and pins the one that it has later", () => {
    const first = applyPins(verified([withoutEd25519(phone)]), NO_PINS, undefined);
    expect(devicesOf(first.list)).toEqual([withoutEd25519(phone)]);
    expect(first.pins.devices).toEqual(new Map());
    expect(applyPins(verified([phone]), first.pins, first.list).pins.devices).toMatchObject(pinned([phone]).devices);
  });

  it.each(["__proto__", "constructor"])("pins a device called %s like any other", (deviceId) => {
    const device = bob.device(deviceId);
    const first = applyPins(verified([device]), NO_PINS, undefined);
    expect(devicesOf(first.list)).toEqual([device]);
    const second = applyPins(verified([bob.device(deviceId, { key: other })]), first.pins, first.list);
    expect(devicesOf(second.list)).toEqual([device]);
    expect(codesOf(second.list)).toEqual([[deviceId, "key-changed"]]);
  });

  describe("devices with one curve25519 key", () => {
    const twin = bob.device("TWIN", { curve25519: curve25519(phone) });

    it("are refused, all of them, and cost no other device", () => {
      const third = bob.device("THIRD", { curve25519: curve25519(phone) });
      const { list } = applyPins(verified([phone, tablet, twin, third]), NO_PINS, undefined);
      expect(devicesOf(list)).toEqual([tablet]);
      expect([...list.deviceStatus.keys()]).toEqual(["TABLET"]);
      expect(codesOf(list)).toEqual([
        ["PHONE", "key-shared"],
        ["TWIN", "key-shared"],
        ["THIRD", "key-shared"],
      ]);
      expect(list.rejected.get("TWIN")?.detail).toBe('keys.curve25519:TWIN: the same key as "PHONE", "THIRD"');
    });

    it("are refused though one of them was there before", () => {
      const before = applyPins(verified([phone]), NO_PINS, undefined);
      expect(devicesOf(applyPins(verified([phone, twin]), before.pins, before.list).list)).toEqual([]);
    });

    it("are pinned all the same, and taken once they are alone", () => {
      const { list, pins } = applyPins(verified([phone, twin]), NO_PINS, undefined);
      expect(pins.devices).toMatchObject(pinned([phone, twin]).devices);
      expect(devicesOf(applyPins(verified([twin]), pins, list).list)).toEqual([twin]);
    });

    it("do not cost the one that was kept as it was", () => {
      const { list } = applyPins(verified([swapped, twin]), pinned([phone]), verified([phone]));
      expect(devicesOf(list)).toEqual([phone]);
      expect(codesOf(list)).toEqual([
        ["PHONE", "key-changed"],
        ["TWIN", "key-shared"],
      ]);
    });

    it("are none where they have no such key", () => {
      const bare = (deviceId: string) =>
        bob.device(deviceId, { properties: { keys: { [`ed25519:${deviceId}`]: keyPair(deviceId).publicKey } } });
      expect(codesOf(applyPins(verified([bare("A"), bare("B")]), NO_PINS, undefined).list)).toEqual([]);
    });
  });

  describe("the master key", () => {
    const renewed = signedAccount(BOB, "new");
    const changes: Partial<DeviceList> = {
      masterKey: renewed.masterKey,
      selfSigningKey: renewed.selfSigningKey,
      identity: { masterKey: renewed.master.publicKey, signedBy: ["ours"] },
    };

    it("that is another than the pinned one is compared, and refuses nothing", () => {
      const pins: Pins = { ...pinned([phone], bob.master.publicKey), signed: new Set(["PHONE"]) };
      const { list, pins: after } = applyPins(verified([phone], changes), pins, verified([phone]));
      expect(list.identity).toEqual({
        masterKey: renewed.master.publicKey,
        pinnedMasterKey: bob.master.publicKey,
        signedBy: ["ours"],
      });
      expect(list).toMatchObject({ masterKey: renewed.masterKey, selfSigningKey: renewed.selfSigningKey });
      expect(codesOf(list)).toEqual([]);
      expect(after).toBe(pins);
    });

    it("that is missing leaves the pin, and so is one that comes back", () => {
      const { masterKey: _, ...without } = verified([phone], { identity: { signedBy: [] } });
      const gone = applyPins(without, pinned([phone], bob.master.publicKey), verified([phone]));
      expect(gone.list.identity).toEqual({ pinnedMasterKey: bob.master.publicKey, signedBy: [] });
      expect(applyPins(verified([phone], changes), gone.pins, gone.list).list.identity.pinnedMasterKey).toBe(
        bob.master.publicKey,
      );
    });

    it("is pinned later where devices were pinned before there was one", () => {
      expect(applyPins(verified([phone]), pinned([phone]), undefined).pins).toMatchObject(
        pinned([phone], bob.master.publicKey),
      );
    });
  });

  it("refuses a new device where so many have been pinned, and none that is among them", () => {
    const crowd = (count: number): Pins => ({
      devices: new Map([
        ["PHONE", ed25519(phone)],
        ...Array.from({ length: count - 1 }, (_, i) => [`D${i}`, "key"] as const),
      ]),
    });
    const full = applyPins(
      verified([phone, tablet, withoutEd25519(bob.device("BARE"))]),
      crowd(MAX_PINNED_DEVICES_PER_USER),
      undefined,
    );
    expect([...full.list.deviceKeys.keys()]).toEqual(["PHONE", "BARE"]);
    expect(codesOf(full.list)).toEqual([["TABLET", "too-many-devices"]]);
    expect(full.pins.devices.size).toBe(MAX_PINNED_DEVICES_PER_USER);

    const nearly = applyPins(verified([bob.device("LAST"), tablet]), crowd(MAX_PINNED_DEVICES_PER_USER - 1), undefined);
    expect([...nearly.list.deviceKeys.keys()]).toEqual(["LAST"]);
    expect(nearly.pins.devices.size).toBe(MAX_PINNED_DEVICES_PER_USER);
  });

  describe("its refusals", () => {
    it("come before those of the list, and are no more than may be named", () => {
      const reason: RejectionReason = { code: "malformed", detail: "x" };
      const rejected = new Map(Array.from({ length: MAX_REJECTED_PER_USER }, (_, i) => [`R${i}`, reason]));
      const { list } = applyPins(verified([swapped], { rejected }), pinned([phone]), undefined);
      expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
      expect([...list.rejected.keys()].slice(0, 2)).toEqual(["PHONE", "R0"]);
    });

    it("name a device by an ID that is not too long", () => {
      const deviceIds = ["a", "b"].map((letter) => letter.repeat(5_000));
      const twins = deviceIds.map((deviceId) => bob.device(deviceId, { curve25519: curve25519(phone) }));
      const changed = twins.map((device) =>
        bob.device(device.device_id, { key: other, curve25519: keyPair(device.device_id).publicKey }),
      );
      for (const { list } of [
        applyPins(verified(twins), NO_PINS, undefined),
        applyPins(verified(changed), pinned(twins), undefined),
      ]) {
        expect(list.rejected.size).toBe(2);
        for (const [name, { detail }] of list.rejected) {
          expect(name.length).toBe(MAX_REJECTED_ID_LENGTH);
          expect(detail.length).toBeLessThan(800);
        }
      }
    });
  });
});

describe("pinsOf", () => {
  it("gives what a list would have pinned: its keys, and the master key that was pinned rather than its own", () => {
    expect(
      pinsOf(
        verified([phone, withoutEd25519(tablet)], {
          identity: { masterKey: "new", pinnedMasterKey: "first", signedBy: [] },
        }),
      ),
    ).toMatchObject(pinned([phone], "first"));
    expect(pinsOf(verified([], { identity: { signedBy: [] } }))).toEqual(NO_PINS);
    expect(pinsOf(undefined)).toEqual(NO_PINS);
  });
});

describe("mergePins", () => {
  it("keeps the first of two", () => {
    const first: Pins = {
      devices: new Map([
        ["A", "first"],
        ["B", "b"],
      ]),
      masterKey: "first",
    };
    const later: Pins = {
      devices: new Map([
        ["A", "later"],
        ["C", "c"],
      ]),
      masterKey: "later",
    };
    expect(mergePins(first, later)).toEqual({
      devices: new Map([
        ["A", "first"],
        ["B", "b"],
        ["C", "c"],
      ]),
      masterKey: "first",
    });
    expect(mergePins(NO_PINS, later)).toEqual(later);
    expect(mergePins({ devices: first.devices }, later).masterKey).toBe("later");
    expect(mergePins({ devices: first.devices }, { devices: later.devices })).not.toHaveProperty("masterKey");
  });

  it("takes no device for signed by its first key for that it was signed by a later one", () => {
    const signed = new Set(["A"]);
    expect(
      mergePins({ devices: new Map([["A", "first"]]) }, { devices: new Map([["A", "later"]]), signed }),
    ).not.toHaveProperty("signed");
    expect(
      mergePins({ devices: new Map([["A", "first"]]) }, { devices: new Map([["A", "first"]]), signed }),
    ).toMatchObject({ signed });
    expect(
      mergePins({ devices: new Map([["A", "first"]]), signed }, { devices: new Map([["A", "later"]]) }),
    ).toMatchObject({ signed });
  });

  it("gives the same pins where there is nothing to add", () => {
    const first = pinned([phone], "first");
    expect(mergePins(first, NO_PINS)).toBe(first);
  });
});

describe("readPins", () => {
  it("gives what was saved, also where the store has copied it", () => {
    const saved = pinned([phone, bob.device("__proto__")], bob.master.publicKey);
    expect(readPins(saved)).toBe(saved);
    expect(readPins(structuredClone(saved))).toEqual(saved);
    expect(readPins(pinned([phone]))).toMatchObject(pinned([phone]));
  });

  it("takes no record for no pins", () => {
    expect(readPins(undefined)).toBe(NO_PINS);
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["no devices", { masterKey: "x" }],
    ["devices in an object", { devices: { PHONE: "key" } }],
    ["a key that is no text", { devices: new Map([["PHONE", 5]]) }],
    ["a device that has no name", { devices: new Map([[5, "key"]]) }],
    ["a master key that is no text", { devices: new Map(), masterKey: 5 }],
    ["null for a master key", { devices: new Map(), masterKey: null }],
  ])("refuses %s", (_, record) => {
    expect(readPins(record)).toBeUndefined();
  });
});
