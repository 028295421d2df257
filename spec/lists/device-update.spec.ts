import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { deviceUpdate } from "../../src/lists/device-update.js";
import type { DeviceStatus, RejectionReason } from "../../src/model/results.js";
import type { DeviceUpdate } from "../../src/model/updates.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { keyPair, signed, signedAccount, withSignature } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";

const bob = signedAccount(BOB);
const [phone, tablet] = [bob.device("PHONE"), bob.device("TABLET")];
const ours = "our user-signing key";
const malformed: RejectionReason = { code: "malformed", detail: "x" };

type Described = readonly [device: DeviceKeys, status?: Partial<DeviceStatus>];

/** A list of Bob's, of these devices: signed by themselves and not cross-signed, unless their status says otherwise. */
function list(devices: readonly Described[], changes: Partial<DeviceList> = {}): DeviceList {
  const deviceStatus = new Map(
    devices.map(([{ device_id }, status]) => [
      device_id,
      { signedByItself: true, crossSigned: false, dehydrated: false, ...status },
    ]),
  );
  return {
    ...emptyList(1),
    deviceKeys: new Map(devices.map(([device]) => [device.device_id, device])),
    deviceStatus,
    ...changes,
  };
}

/** An update of Bob's list, whose parts are empty unless given. */
const update = (parts: Partial<DeviceUpdate>): DeviceUpdate => ({
  userId: BOB,
  added: [],
  removed: [],
  renamed: [],
  crossSigned: [],
  rekeyed: [],
  changed: [],
  refused: new Map(),
  ...parts,
});
const from = (before: DeviceList | undefined, after: DeviceList) => deviceUpdate(BOB, before, after, ours);

describe("the update of a list", () => {
  describe("is nothing", () => {
    it("if the lists are identical, whenever they were fetched", () => {
      const rejected = new Map([["BAD", malformed]]);
      const identity = { masterKey: "m", pinnedMasterKey: "m", signedBy: [ours] };
      const one = list([[phone, { crossSigned: true }], [tablet]], { rejected, identity, masterKey: bob.masterKey });
      expect(from(one, { ...structuredClone(one), fetchedAt: 99 })).toBeUndefined();
    });

    it("if a user without devices and identity is fetched for the first time", () => {
      expect(from(undefined, list([]))).toBeUndefined();
      expect(from(list([]), list([]))).toBeUndefined();
    });

    it("for other users' signatures, and for the order of devices and properties", () => {
      const reordered = Object.fromEntries(Object.entries(signed(phone, ALICE, keyPair("x"))).reverse()) as DeviceKeys;
      expect(from(list([[phone], [tablet]]), list([[tablet], [reordered]]))).toBeUndefined();
    });

    it("for other things that the homeserver adds to a device", () => {
      expect(from(list([[phone]]), list([[{ ...phone, unsigned: { note: "x" } }]]))).toBeUndefined();
    });

    it("for a device that is refused for the same reason as before", () => {
      expect(
        from(
          list([], { rejected: new Map([["BAD", malformed]]) }),
          list([], { rejected: new Map([["BAD", { ...malformed, detail: "y" }]]) }),
        ),
      ).toBeUndefined();
    });

    it("for a refused device that is gone", () => {
      expect(from(list([], { rejected: new Map([["BAD", malformed]]) }), list([]))).toBeUndefined();
    });
  });

  it("names added devices: all of them if the user was never fetched", () => {
    expect(from(list([[phone]]), list([[phone], [tablet]]))).toEqual(update({ added: ["TABLET"] }));
    expect(from(undefined, list([[phone, { crossSigned: true }], [tablet]]))).toEqual(
      update({ added: ["PHONE", "TABLET"] }),
    );
  });

  it("names removed devices", () => {
    expect(from(list([[phone], [tablet]]), list([[tablet]]))).toEqual(update({ removed: ["PHONE"] }));
    expect(from(list([[phone], [tablet]]), list([]))).toEqual(update({ removed: ["PHONE", "TABLET"] }));
  });

  it("names devices whose name was changed, added or removed", () => {
    const named = (name: string) => ({ ...phone, unsigned: { device_display_name: name } });
    for (const [before, after] of [
      [named("a"), named("b")],
      [phone, named("a")],
      [named("a"), phone],
    ] as const) {
      expect(from(list([[before]]), list([[after]]))).toEqual(update({ renamed: ["PHONE"] }));
    }
  });

  it("names devices that are cross-signed now", () => {
    expect(from(list([[phone], [tablet]]), list([[phone, { crossSigned: true }], [tablet]]))).toEqual(
      update({ crossSigned: ["PHONE"] }),
    );
    expect(from(list([[phone, { crossSigned: true }]]), list([[phone, { crossSigned: true }]]))).toBeUndefined();
  });

  describe("names as changed a device", () => {
    it.each<[string, DeviceKeys]>([
      ["with another curve25519 key", bob.device("PHONE", { curve25519: keyPair("x").publicKey })],
      ["with other algorithms", bob.device("PHONE", { properties: { algorithms: [] } })],
      ["with another signed property", bob.device("PHONE", { properties: { dehydrated: true } })],
    ])("%s", (_, device) => {
      expect(from(list([[phone], [tablet]]), list([[device], [tablet]]))).toEqual(update({ changed: ["PHONE"] }));
    });

    it("that is not signed by itself, or cross-signed, any more", () => {
      expect(from(list([[phone]]), list([[phone, { signedByItself: false }]]))).toEqual(update({ changed: ["PHONE"] }));
      expect(from(list([[phone, { crossSigned: true }]]), list([[phone]]))).toEqual(update({ changed: ["PHONE"] }));
    });

    it("but not one that has gained a signature", () => {
      expect(from(list([[phone, { signedByItself: false }]]), list([[phone]]))).toBeUndefined();
    });
  });

  it("names a device once for each thing that happened to it", () => {
    const after = {
      ...bob.device("PHONE", { curve25519: keyPair("x").publicKey }),
      unsigned: { device_display_name: "new" },
    };
    expect(from(list([[phone]]), list([[after, { crossSigned: true }]]))).toEqual(
      update({ renamed: ["PHONE"], crossSigned: ["PHONE"], changed: ["PHONE"] }),
    );
  });

  describe("names refused devices, and why", () => {
    const changed: RejectionReason = { code: "key-changed", detail: "y" };
    it.each<[string, DeviceList | undefined]>([
      ["that were not there before", list([])],
      ["of a user who was never fetched", undefined],
      ["that were refused for another reason before", list([], { rejected: new Map([["BAD", malformed]]) })],
    ])("%s", (_, before) => {
      expect(from(before, list([], { rejected: new Map([["BAD", changed]]) }))).toEqual(
        update({ refused: new Map([["BAD", changed]]) }),
      );
    });

    it("that are kept as they were, or are gone", () => {
      const rejected = new Map([["PHONE", changed]]);
      expect(from(list([[phone]]), list([[phone]], { rejected }))).toEqual(update({ refused: rejected }));
      expect(from(list([[phone]]), list([], { rejected }))).toEqual(update({ removed: ["PHONE"], refused: rejected }));
    });
  });

  describe("has the identity", () => {
    const unchanged = { masterKey: "m", pinnedMasterKey: "m", signedBy: [] };

    it("that is seen for the first time", () => {
      expect(from(undefined, list([], { identity: unchanged }))).toEqual(
        update({
          identity: {
            state: "unchanged",
            masterKey: "m",
            pinnedMasterKey: "m",
            verified: false,
            wasVerified: false,
            collisions: [],
          },
        }),
      );
    });

    it("that has changed, and changed again", () => {
      const changed = (masterKey: string) => list([], { identity: { ...unchanged, masterKey } });
      expect(from(list([], { identity: unchanged }), changed("n"))?.identity).toEqual({
        state: "changed",
        masterKey: "n",
        pinnedMasterKey: "m",
        verified: false,
        wasVerified: false,
        collisions: [],
      });
      expect(from(changed("n"), changed("o"))?.identity).toEqual({
        state: "changed",
        masterKey: "o",
        pinnedMasterKey: "m",
        verified: false,
        wasVerified: false,
        collisions: [],
      });
    });

    it("that was removed", () => {
      expect(
        from(list([], { identity: unchanged }), list([], { identity: { pinnedMasterKey: "m", signedBy: [] } }))
          ?.identity,
      ).toEqual({ state: "removed", pinnedMasterKey: "m", verified: false, wasVerified: false, collisions: [] });
    });

    it("that our user-signing key signs now, or no longer", () => {
      const verified = list([], { identity: { ...unchanged, signedBy: [ours] } });
      expect(from(list([], { identity: unchanged }), verified)?.identity?.verified).toBe(true);
      expect(from(verified, list([], { identity: unchanged }))?.identity?.verified).toBe(false);
    });

    it("only if it is another one", () => {
      expect(from(list([], { identity: unchanged }), list([[phone]], { identity: unchanged }))).not.toHaveProperty(
        "identity",
      );
      expect(
        from(
          list([], { identity: unchanged }),
          list([], { identity: { ...unchanged, signedBy: ["a former key of ours"] } }),
        ),
      ).toBeUndefined();
    });
  });

  it("treats __proto__ and constructor as ordinary names", () => {
    const devices = ["__proto__", "constructor"].map((deviceId) => bob.device(deviceId));
    const all = list(devices.map((device) => [device] as const));
    expect(from(list([]), all)).toEqual(update({ added: ["__proto__", "constructor"] }));
    expect(from(all, structuredClone(all))).toBeUndefined();
    expect(from(all, list([]))).toEqual(update({ removed: ["__proto__", "constructor"] }));
  });

  it("is nothing for a device with another valid signature of its own", () => {
    expect(from(list([[phone]]), list([[withSignature(phone, BOB, "PHONE", "s")]]))).toBeUndefined();
  });
});
