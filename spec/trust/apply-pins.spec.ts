import { describe, expect, it } from "vitest";
import {
  MAX_CROSS_SIGNING_KEYS,
  MAX_LIST_LENGTH,
  MAX_PINNED_DEVICES_PER_USER,
  MAX_REJECTED_ID_LENGTH,
  MAX_REJECTED_PER_USER,
} from "../../src/keys/limits.js";
import type { RejectionReason } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { applyPins } from "../../src/trust/apply-pins.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { LOST_PINS, NO_PINS, type Pins } from "../../src/trust/pins.js";
import { keyPair, signedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";
import {
  allOf,
  bob,
  curve25519,
  ed25519,
  keysOf,
  phone,
  pinned,
  selfSigned,
  SELF_SIGNED,
  status,
  tablet,
  unsigned,
  verified,
  withoutEd25519,
} from "./pinned-lists.js";

const other = keyPair("another phone");
const swapped = bob.device("PHONE", { key: other });
const devicesOf = ({ deviceKeys }: DeviceList) => [...deviceKeys.values()];
const codesOf = ({ rejected }: DeviceList) => Array.from(rejected, ([deviceId, { code }]) => [deviceId, code]);

describe("applyPins", () => {
  it("pins a device's ed25519 key and the master key when it first sees them", () => {
    const { list, pins } = applyPins(verified([phone, tablet]), NO_PINS, undefined);
    expect(pins).toMatchObject(pinned([phone, tablet], bob.master.publicKey));
    expect(list).toEqual(
      verified([phone, tablet], {
        identity: { masterKey: bob.master.publicKey, pinnedMasterKey: bob.master.publicKey, signedBy: [] },
      }),
    );
  });

  it("returns the same pins if there is nothing new, and never modifies them", () => {
    const before = applyPins(verified([phone]), NO_PINS, undefined).pins;
    const copy = structuredClone(before);
    expect(applyPins(verified([phone]), before, undefined).pins).toBe(before);
    expect(applyPins(selfSigned([phone]), before, undefined).pins).toBe(before);
    expect(applyPins(verified([]), before, undefined).pins).toBe(before);
    expect(applyPins(emptyList(5), NO_PINS, undefined).pins).toBe(NO_PINS);
    expect(applyPins(verified([phone, tablet]), before, undefined).pins).toMatchObject(
      pinned([phone, tablet], bob.master.publicKey),
    );
    expect(before).toEqual(copy);
  });

  it("marks an identity that is compared with incomplete pins, which stay so", () => {
    const { list, pins } = applyPins(verified([phone]), LOST_PINS, undefined);
    const masterKey = bob.master.publicKey;
    expect(list.identity).toEqual({ masterKey, pinnedMasterKey: masterKey, uncompared: true, signedBy: [] });
    expect(pins).toMatchObject({ ...pinned([phone], masterKey), incomplete: true });
    expect(applyPins(verified([phone]), pins, list)).toMatchObject({ list: { identity: { uncompared: true } }, pins });
  });

  describe("a device with another ed25519 key that the user's pinned identity has signed", () => {
    const pins = pinned([phone], bob.master.publicKey);

    it("is accepted, and its key is pinned", () => {
      const { list, pins: after } = applyPins(verified([swapped, tablet]), pins, verified([phone]));
      expect(devicesOf(list)).toEqual([swapped, tablet]);
      expect(codesOf(list)).toEqual([]);
      expect(keysOf(after)).toEqual({
        ...pinned([swapped, tablet], bob.master.publicKey),
        signed: new Set(["PHONE", "TABLET"]),
      });
      expect(after.retired).toEqual(new Map([["PHONE", [ed25519(phone)]]]));
    });

    it("is accepted although it was deleted in between, and its user left", () => {
      const { pins: later } = applyPins(verified([tablet]), pins, verified([phone]));
      expect(devicesOf(applyPins(verified([swapped, tablet]), later, undefined).list)).toEqual([swapped, tablet]);
    });

    it("does not get its former key back, and is kept as it is now", () => {
      const { list, pins: rekeyed } = applyPins(verified([swapped]), pins, verified([phone]));
      const { list: later, pins: after } = applyPins(verified([phone]), rekeyed, list);
      expect(devicesOf(later)).toEqual([swapped]);
      expect(codesOf(later)).toEqual([["PHONE", "key-changed"]]);
      expect(later.rejected.get("PHONE")?.detail).toContain("a key that this device had before");
      expect(after.devices.get("PHONE")).toBe(ed25519(swapped));
    });

    it.each<[string, Pins, Partial<DeviceList>]>([
      ["another one than the pinned one", pinned([phone], "another master key"), {}],
      ["not comparable", { ...pins, incomplete: true }, {}],
      ["without a master key", pins, { identity: { signedBy: [] } }],
    ])("is refused while the identity is %s", (_, known, changes) => {
      const { list, pins: after } = applyPins(verified([swapped], changes), known, verified([phone]));
      expect(devicesOf(list)).toEqual([phone]);
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
      expect(after.devices.get("PHONE")).toBe(ed25519(phone));
    });
  });

  describe("a device with another ed25519 key that only that key has signed", () => {
    const pins = pinned([phone], bob.master.publicKey);
    /** Bob's other devices are cross-signed, and the phone's new form is not. */
    const swappedIn = (...others: readonly DeviceKeys[]) => {
      const list = verified([swapped, ...others]);
      return { ...list, deviceStatus: new Map([...list.deviceStatus, ["PHONE", SELF_SIGNED]]) };
    };

    it("is refused, and kept as it was with its status and pin", () => {
      const before = verified([phone], { deviceStatus: new Map([["PHONE", status({ dehydrated: true })]]) });
      const { list, pins: after } = applyPins(swappedIn(tablet), pins, before);
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

    it("is refused if it has no ed25519 key at all", () => {
      const { list } = applyPins(verified([withoutEd25519(phone), tablet]), pins, verified([phone]));
      expect(devicesOf(list)).toEqual([phone, tablet]);
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
    });

    it.each<[string, DeviceList | undefined]>([
      ["it was deleted and comes back", verified([tablet])],
      ["its user left and comes back", undefined],
      ["it was never in a cached list", undefined],
      ["the saved list has a third key for it", verified([bob.device("PHONE", { key: keyPair("a third") })])],
    ])("is the only device left out if %s", (_, before) => {
      const { list, pins: after } = applyPins(swappedIn(tablet), pins, before);
      expect(devicesOf(list)).toEqual([tablet]);
      expect([...list.deviceStatus.keys()]).toEqual(["TABLET"]);
      expect(codesOf(list)).toEqual([["PHONE", "key-changed"]]);
      expect(list.rejected.get("PHONE")?.detail).toContain("the device is left out");
      expect(after.devices.get("PHONE")).toBe(ed25519(phone));
    });

    it("is refused again and again, while the device is kept", () => {
      let list = verified([phone]);
      for (let i = 0; i < 3; i++) ({ list } = applyPins(swappedIn(), pins, list));
      expect(devicesOf(list)).toEqual([phone]);
    });

    it("is accepted once it has the pinned key again", () => {
      const { list: kept } = applyPins(swappedIn(), pins, verified([phone]));
      expect(codesOf(kept)).toEqual([["PHONE", "key-changed"]]);
      const renamed = { ...phone, unsigned: { device_display_name: "new" } };
      const { list } = applyPins(verified([renamed]), pins, kept);
      expect(devicesOf(list)).toEqual([renamed]);
      expect(codesOf(list)).toEqual([]);
    });

    it("stays cross-signed only while the self-signing key is the same", () => {
      const crossSigned = (changes: Partial<DeviceList>) =>
        applyPins({ ...swappedIn(), ...changes }, pins, verified([phone])).list.deviceStatus.get("PHONE");
      expect(crossSigned({})).toEqual(status());
      expect(crossSigned({ selfSigningKey: signedAccount(BOB, "new").selfSigningKey })).toEqual(
        status({ crossSigned: false }),
      );
      const { selfSigningKey: _, ...without } = swappedIn();
      expect(applyPins(without, pins, verified([phone])).list.deviceStatus.get("PHONE")).toEqual(
        status({ crossSigned: false }),
      );
    });
  });

  describe("a device whose new form was refused by verification", () => {
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
    ] as const)("is kept as it was if it is saved (%s)", (code) => {
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

    it("is not kept if its ID has become the public key of a cross-signing key", () => {
      const { publicKey } = bob.master;
      const device = bob.device(publicKey);
      const malformed = new Map([[publicKey, { code: "malformed", detail: "x" }]] as const);
      const { list } = applyPins(verified([tablet], { rejected: malformed }), pinned([device]), verified([device]));
      expect(devicesOf(list)).toEqual([tablet]);
    });

    it("does not replace an accepted device whose ID is a prefix of its own", () => {
      const deviceId = "x".repeat(MAX_REJECTED_ID_LENGTH);
      const before = bob.device(deviceId);
      const renamed = { ...before, unsigned: { device_display_name: "new" } };
      const tooLong = new Map([[deviceId, { code: "too-large", detail: "x" }]] as const);
      const { list } = applyPins(verified([renamed], { rejected: tooLong }), pinned([before]), verified([before]));
      expect(devicesOf(list)).toEqual([renamed]);
    });

    it("is not kept if the device itself is refused", () => {
      expect(devicesOf(applyPins(refused("cross-signing-id"), pins, verified([phone])).list)).toEqual([tablet]);
      const unsigned = verified([phone], { deviceStatus: new Map([["PHONE", status({ signedByItself: false })]]) });
      expect(devicesOf(applyPins(refused("unsigned"), pins, unsigned).list)).toEqual([tablet]);
    });
  });

  it("refuses a device that has lost its own signature, and keeps it as it was", () => {
    const stripped = bob.device("PHONE", { curve25519: keyPair("mallory").publicKey, signedBy: [] });
    const { list } = applyPins(unsigned([stripped]), pinned([phone]), verified([phone]));
    expect(devicesOf(list)).toEqual([phone]);
    expect(list.deviceStatus.get("PHONE")).toEqual(status());
    expect(codesOf(list)).toEqual([["PHONE", "unsigned"]]);
  });

  it("accepts other keys of a device that never was signed, and pins nothing", () => {
    const first = applyPins(unsigned([phone]), NO_PINS, undefined);
    const stripped = bob.device("PHONE", { curve25519: keyPair("mallory").publicKey, signedBy: [] });
    const { list, pins } = applyPins(unsigned([stripped]), first.pins, first.list);
    expect(devicesOf(list)).toEqual([stripped]);
    expect(pins.devices).toEqual(new Map());
  });

  it("accepts a device that is signed by its owner instead of itself", () => {
    const list = verified([phone], allOf([phone], status({ signedByItself: false })));
    expect(codesOf(applyPins(list, pinned([phone], bob.master.publicKey), verified([phone])).list)).toEqual([]);
  });

  it("refuses an unsigned device that was signed before it was deleted", () => {
    const stripped = bob.device("PHONE", { curve25519: keyPair("mallory").publicKey, signedBy: [] });
    const { pins } = applyPins(verified([phone]), NO_PINS, undefined);
    const { pins: later } = applyPins(verified([]), pins, verified([phone]));
    const { list } = applyPins(unsigned([stripped]), later, undefined);
    expect([devicesOf(list), codesOf(list)]).toEqual([[], [["PHONE", "unsigned"]]]);
  });

  it("does not keep an unsigned device if those are refused", () => {
    const before = unsigned([phone]);
    expect(
      devicesOf(applyPins(selfSigned([swapped]), pinned([phone]), before, { refusesUnsigned: true }).list),
    ).toEqual([]);
    expect(devicesOf(applyPins(selfSigned([swapped]), pinned([phone]), before).list)).toEqual([phone]);
  });

  it("limits the length of the devices kept in one list", () => {
    const large = Array.from({ length: 80 }, (_, i) =>
      bob.device(`D${i}`, { signedBy: [], properties: { filling: "x".repeat(60_000) } }),
    );
    const changed = large.map(({ device_id }) =>
      bob.device(device_id, { key: other, curve25519: keyPair(device_id).publicKey, signedBy: [] }),
    );
    const { list } = applyPins(selfSigned(changed), pinned(large), verified(large));
    expect(list.deviceKeys.size).toBeGreaterThan(60);
    expect(devicesOf(list).reduce((length, device) => length + JSON.stringify(device).length, 0)).toBeLessThanOrEqual(
      MAX_LIST_LENGTH,
    );
    expect(list.rejected.size).toBe(80);
  });

  it("accepts a device without an ed25519 key, and pins its later one", () => {
    const first = applyPins(verified([withoutEd25519(phone)]), NO_PINS, undefined);
    expect(devicesOf(first.list)).toEqual([withoutEd25519(phone)]);
    expect(first.pins.devices).toEqual(new Map());
    expect(applyPins(verified([phone]), first.pins, first.list).pins.devices).toMatchObject(pinned([phone]).devices);
  });

  it.each(["__proto__", "constructor"])("pins a device called %s", (deviceId) => {
    const device = bob.device(deviceId);
    const first = applyPins(verified([device]), NO_PINS, undefined);
    expect(devicesOf(first.list)).toEqual([device]);
    const second = applyPins(selfSigned([bob.device(deviceId, { key: other })]), first.pins, first.list);
    expect(devicesOf(second.list)).toEqual([device]);
    expect(codesOf(second.list)).toEqual([[deviceId, "key-changed"]]);
  });

  describe("devices with the same curve25519 key", () => {
    const twin = bob.device("TWIN", { curve25519: curve25519(phone) });

    const third = bob.device("THIRD", { curve25519: curve25519(phone) });
    /** Devices of which these are cross-signed. */
    const crossSigning = (devices: readonly DeviceKeys[], ...crossSigned: readonly DeviceKeys[]) => {
      const { deviceStatus, ...list } = selfSigned(devices);
      return { ...list, deviceStatus: new Map([...deviceStatus, ...allOf(crossSigned, status()).deviceStatus]) };
    };

    it("are refused, except the only one that the user's identity has signed", () => {
      const { list } = applyPins(crossSigning([twin, phone, tablet, third], phone), NO_PINS, undefined);
      expect(devicesOf(list)).toEqual([phone, tablet]);
      expect(codesOf(list)).toEqual([
        ["TWIN", "key-shared"],
        ["THIRD", "key-shared"],
      ]);
    });

    it("stay refused if the identity that has signed one of them is not the pinned one", () => {
      const list = crossSigning([phone, twin], phone);
      for (const pins of [pinned([], "another master key"), LOST_PINS])
        expect(devicesOf(applyPins(list, pins, undefined).list)).toEqual([]);
    });

    it("are all refused if none is cross-signed", () => {
      expect(devicesOf(applyPins(selfSigned([phone, tablet, twin]), NO_PINS, undefined).list)).toEqual([tablet]);
    });

    it("are all refused if more than one is cross-signed, and no other device is", () => {
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

    it("are refused even if one of them was there before", () => {
      const before = applyPins(verified([phone]), NO_PINS, undefined);
      expect(devicesOf(applyPins(verified([phone, twin]), before.pins, before.list).list)).toEqual([]);
    });

    it("are not pinned if they are new, and accepted once the key is not shared", () => {
      const { list, pins } = applyPins(verified([phone, twin]), NO_PINS, undefined);
      expect(pins.devices).toEqual(new Map());
      const later = applyPins(verified([twin]), pins, list);
      expect(devicesOf(later.list)).toEqual([twin]);
      expect(later.pins.devices).toEqual(pinned([twin]).devices);
      expect(applyPins(verified([phone, twin]), later.pins, later.list).pins.devices).toEqual(pinned([twin]).devices);
    });

    it("are refused, except a cross-signed one that was kept as it was", () => {
      const { list } = applyPins(selfSigned([swapped, twin]), pinned([phone]), verified([phone]));
      expect(devicesOf(list)).toEqual([phone]);
      expect(codesOf(list)).toEqual([
        ["PHONE", "key-changed"],
        ["TWIN", "key-shared"],
      ]);
    });

    it("are refused, also one that was kept as it was without being cross-signed", () => {
      const before = selfSigned([phone]);
      const { list } = applyPins(selfSigned([swapped, twin]), pinned([phone]), before);
      expect(devicesOf(list)).toEqual([]);
      const cross = applyPins(crossSigning([swapped, twin], twin), pinned([phone]), before);
      expect(devicesOf(cross.list)).toEqual([twin]);
    });

    it("are not devices without a curve25519 key", () => {
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

    it("is compared with the pinned one, and refuses nothing", () => {
      const pins: Pins = { ...pinned([phone], bob.master.publicKey), signed: new Set(["PHONE"]) };
      const { list, pins: after } = applyPins(verified([phone], changes), pins, verified([phone]));
      expect(list.identity).toEqual({
        masterKey: renewed.master.publicKey,
        pinnedMasterKey: bob.master.publicKey,
        signedBy: ["ours"],
      });
      expect(list).toMatchObject({ masterKey: renewed.masterKey, selfSigningKey: renewed.selfSigningKey });
      expect(codesOf(list)).toEqual([]);
      expect(keysOf(after)).toEqual(pins);
    });

    it("keeps its pin when it is removed, and when another one follows", () => {
      const { masterKey: _, ...without } = verified([phone], { identity: { signedBy: [] } });
      const gone = applyPins(without, pinned([phone], bob.master.publicKey), verified([phone]));
      expect(gone.list.identity).toEqual({ pinnedMasterKey: bob.master.publicKey, signedBy: [] });
      expect(applyPins(verified([phone], changes), gone.pins, gone.list).list.identity.pinnedMasterKey).toBe(
        bob.master.publicKey,
      );
    });

    it("is pinned when it first appears, after devices were pinned", () => {
      expect(applyPins(verified([phone]), pinned([phone]), undefined).pins).toMatchObject(
        pinned([phone], bob.master.publicKey),
      );
    });
  });

  describe("a device whose ID is the public key of a cross-signing key", () => {
    const { publicKey } = bob.master;
    const collision = bob.device(publicKey);

    it("is refused and shown on the identity, with the key given now", () => {
      const { list } = applyPins(verified([collision, tablet]), NO_PINS, undefined);
      expect(devicesOf(list)).toEqual([tablet]);
      expect(codesOf(list)).toEqual([[publicKey, "cross-signing-id"]]);
      expect(list.identity.collisions).toEqual([publicKey]);
    });

    it("is refused although the key is not given any more, and was another one since", () => {
      const { pins } = applyPins(verified([]), NO_PINS, undefined);
      const { list } = applyPins({ ...emptyList(5), deviceKeys: new Map([[publicKey, collision]]) }, pins, undefined);
      expect([devicesOf(list), list.identity.collisions]).toEqual([[], [publicKey]]);
    });

    it("is refused with the pinned key, however many others were given since", () => {
      let { pins } = applyPins(verified([]), NO_PINS, undefined);
      for (let i = 0; i < MAX_CROSS_SIGNING_KEYS; i++) {
        const { masterKey, selfSigningKey, master } = signedAccount(BOB, `invented ${i}`);
        const identity = { masterKey: master.publicKey, signedBy: [] };
        ({ pins } = applyPins(verified([], { masterKey, selfSigningKey, identity }), pins, undefined));
      }
      expect(pins.crossSigningKeys?.length).toBe(2);
      const { list } = applyPins({ ...emptyList(5), deviceKeys: new Map([[publicKey, collision]]) }, pins, undefined);
      expect([devicesOf(list), list.identity.collisions]).toEqual([[], [publicKey]]);
    });

    it("is shown although it is malformed, and behind as many others as are listed", () => {
      const rejected = new Map(
        Array.from({ length: MAX_REJECTED_PER_USER }, (_, i) => [`R${i}`, { code: "malformed", detail: "x" }] as const),
      );
      const isListed = (deviceId: string) => deviceId === publicKey;
      const { list } = applyPins(verified([tablet], { rejected }), NO_PINS, undefined, { isListed });
      expect(list.identity.collisions).toEqual([publicKey]);
      expect(list.rejected.get(publicKey)?.code).toBe("cross-signing-id");
    });

    it("is not shown if it is not listed", () => {
      expect(applyPins(verified([tablet]), NO_PINS, undefined).list.identity).not.toHaveProperty("collisions");
    });
  });

  describe("at the limit of pinned devices", () => {
    const GONE: readonly string[] = Array.from({ length: MAX_PINNED_DEVICES_PER_USER - 1 }, (_, i) => `GONE${i}`);
    const crowd: Pins = {
      devices: new Map([...GONE.map((id) => [id, "key"] as const), ["PHONE", ed25519(phone)]]),
      signed: new Set(["GONE0", "GONE2", "PHONE"]),
    };

    it("a new device takes the place of the oldest one that is gone", () => {
      const { list, pins } = applyPins(verified([phone, tablet, bob.device("LAST")]), crowd, undefined);
      expect([...list.deviceKeys.keys()]).toEqual(["PHONE", "TABLET", "LAST"]);
      expect(pins.devices.size).toBe(MAX_PINNED_DEVICES_PER_USER);
      expect([...pins.devices.keys()]).toEqual([...GONE.slice(2), "PHONE", "TABLET", "LAST"]);
      expect(pins.signed).toEqual(new Set(["GONE2", "PHONE", "TABLET", "LAST"]));
    });

    it("devices that are there keep their pins, also refused ones", () => {
      const reason: RejectionReason = { code: "malformed", detail: "x" };
      const rejected = new Map([["GONE0", reason]]);
      const { pins } = applyPins(selfSigned([tablet, bob.device("GONE1")], { rejected }), crowd, undefined);
      expect([...pins.devices.keys()].slice(0, 3)).toEqual(["GONE0", "GONE1", "GONE3"]);
      expect(pins.devices.get("GONE1")).toBe("key");
    });
  });

  describe("its refusals", () => {
    it("come before those of verification, up to the limit", () => {
      const reason: RejectionReason = { code: "malformed", detail: "x" };
      const rejected = new Map(Array.from({ length: MAX_REJECTED_PER_USER }, (_, i) => [`R${i}`, reason]));
      const { list } = applyPins(selfSigned([swapped], { rejected }), pinned([phone]), undefined);
      expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
      expect([...list.rejected.keys()].slice(0, 2)).toEqual(["PHONE", "R0"]);
    });

    it("cut long device IDs", () => {
      const deviceIds = ["a", "b"].map((letter) => letter.repeat(5_000));
      const twins = deviceIds.map((deviceId) => bob.device(deviceId, { curve25519: curve25519(phone) }));
      const changed = twins.map((device) =>
        bob.device(device.device_id, { key: other, curve25519: keyPair(device.device_id).publicKey }),
      );
      for (const { list } of [
        applyPins(verified(twins), NO_PINS, undefined),
        applyPins(selfSigned(changed), pinned(twins), undefined),
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
