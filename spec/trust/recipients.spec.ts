import { describe, expect, it } from "vitest";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { DeviceStatus, Freshness, IdentityState, UserDeviceKeys } from "../../src/model/results.js";
import { recipients, type RecipientPolicy } from "../../src/trust/recipients.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const GOOD: DeviceStatus = { signedByItself: true, crossSigned: true, dehydrated: false };

interface Described {
  readonly devices?: Readonly<Record<DeviceId, Partial<DeviceStatus>>>;
  readonly withoutKey?: readonly DeviceId[];
  readonly rejected?: readonly DeviceId[];
  readonly state?: IdentityState;
  readonly freshness?: Freshness;
}

/**
 * A user in the result of a lookup. Devices are signed by themselves and by their owner, unless described otherwise.
 */
function user(
  userId: UserId,
  { devices = {}, withoutKey = [], rejected = [], state = "unchanged", freshness = "current" }: Described,
): readonly [UserId, UserDeviceKeys] {
  const deviceIds = Object.keys(devices);
  const device = (deviceId: DeviceId) =>
    testDevice(
      userId,
      deviceId,
      withoutKey.includes(deviceId) ? { keys: { [`ed25519:${deviceId}`]: "x", "curve25519:OTHER": "y" } } : {},
    );
  return [
    userId,
    {
      deviceKeys: new Map(deviceIds.map((deviceId) => [deviceId, device(deviceId)])),
      deviceStatus: new Map(deviceIds.map((deviceId) => [deviceId, { ...GOOD, ...devices[deviceId] }])),
      rejected: new Map(rejected.map((deviceId) => [deviceId, { code: "malformed", detail: "x" }])),
      identity: { state, verified: false, wasVerified: false, collisions: [] },
      freshness,
      fetchedAt: 0,
    },
  ];
}

const names = (list: readonly { readonly userId: UserId; readonly deviceId: DeviceId }[]) =>
  list.map(({ userId, deviceId }) => `${userId} ${deviceId}`);
/** The devices of Bob to encrypt for, and why each of the others was left out. */
function among(described: Described, policy?: RecipientPolicy) {
  const { devices, leftOut } = recipients(new Map([user(BOB, described)]), policy);
  return [
    devices.map(({ deviceId }) => deviceId),
    Object.fromEntries(leftOut.map(({ deviceId, reason }) => [deviceId, reason])),
  ];
}

describe("recipients", () => {
  // Matrix spec, client-server API, "Recommended client behaviour".
  it("are by default cross-signed devices of unchanged identities", () => {
    const devices = { GOOD, BARE: { signedByItself: false, crossSigned: false }, SPARE: { dehydrated: true } };
    expect(among({ devices })).toEqual([["GOOD", "SPARE"], { BARE: "not-cross-signed" }]);
    expect(among({ devices: { GOOD }, state: "changed" })).toEqual([[], { GOOD: "identity-changed" }]);
    expect(
      among({ devices }, { devices: "cross-signed", excludeChangedIdentities: true, excludeDehydrated: false }),
    ).toEqual(among({ devices }));
  });

  it("are all devices that passed validation if the policy says so", () => {
    const devices = { GOOD, BARE: { signedByItself: false, crossSigned: false }, SPARE: { dehydrated: true } };
    expect(among({ devices }, { devices: "all" })).toEqual([["GOOD", "BARE", "SPARE"], {}]);
    expect(among({ devices: { GOOD }, state: "changed" }, { devices: "all" })).toEqual([
      [],
      { GOOD: "identity-changed" },
    ]);
    expect(among({ devices, state: "changed" }, { devices: "all", excludeChangedIdentities: false })).toEqual([
      ["GOOD", "BARE", "SPARE"],
      {},
    ]);
  });

  // MSC3814, "Dehydrating a device".
  it("never include dehydrated devices that are not cross-signed", () => {
    expect(among({ devices: { SPARE: { dehydrated: true, crossSigned: false } } }, { devices: "all" })).toEqual([
      [],
      { SPARE: "not-cross-signed" },
    ]);
  });

  it("include users and keys, in the order of the lookup", () => {
    const users = new Map([user(CAROL, { devices: { C: {} } }), user(BOB, { devices: { B2: {}, B1: {} } })]);
    const { devices } = recipients(users);
    expect(names(devices)).toEqual([`${CAROL} C`, `${BOB} B2`, `${BOB} B1`]);
    expect(devices[0]?.device).toBe(users.get(CAROL)?.deviceKeys.get("C"));
  });

  it("are empty for an empty lookup", () => {
    expect(recipients(new Map())).toEqual({ devices: [], leftOut: [], uncertain: [] });
  });

  describe("always leave out", () => {
    it("refused devices, but not a device that was kept as it was", () => {
      expect(among({ devices: { KEPT: {} }, rejected: ["BAD", "KEPT"] })).toEqual([["KEPT"], { BAD: "rejected" }]);
    });

    it("devices without a key to encrypt for", () => {
      expect(among({ devices: { A: {}, B: {} }, withoutKey: ["B"] })).toEqual([["A"], { B: "no-key" }]);
    });

    it("the sending device as own-device, even if it was refused", () => {
      expect(among({ rejected: ["OWN"] }, { ownDevice: { userId: BOB, deviceId: "OWN" } })).toEqual([
        [],
        { OWN: "own-device" },
      ]);
    });

    it("the sending device, and no other user's device with this ID", () => {
      const { devices, leftOut } = recipients(
        new Map([user(ALICE, { devices: { A: {}, B: {} } }), user(BOB, { devices: { A: {} } })]),
        { ownDevice: { userId: ALICE, deviceId: "A" } },
      );
      expect(names(devices)).toEqual([`${ALICE} B`, `${BOB} A`]);
      expect(leftOut).toEqual([{ userId: ALICE, deviceId: "A", reason: "own-device" }]);
    });
  });

  it("leave out blocked devices, and no other user's devices with these IDs", () => {
    const users = new Map([user(CAROL, { devices: { A: {}, B: {}, C: {} } }), user(BOB, { devices: { A: {} } })]);
    const blocked = new Set([
      { userId: CAROL, deviceId: "A" },
      { userId: CAROL, deviceId: "B" },
      { userId: "@nobody:example.org", deviceId: "A" },
    ]);
    const { devices, leftOut } = recipients(users, { blocked });
    expect(names(devices)).toEqual([`${CAROL} C`, `${BOB} A`]);
    expect(leftOut.map(({ reason }) => reason)).toEqual(["blocked", "blocked"]);
  });

  describe("limited to cross-signed devices", () => {
    it("leave out devices that their owner's identity has not signed", () => {
      expect(among({ devices: { A: {}, B: { crossSigned: false } } }, { devices: "cross-signed" })).toEqual([
        ["A"],
        { B: "not-cross-signed" },
      ]);
    });

    it("leave out devices without a status", () => {
      const [userId, keys] = user(BOB, { devices: { A: {} } });
      const { leftOut } = recipients(new Map([[userId, { ...keys, deviceStatus: new Map() }]]), {
        devices: "cross-signed",
      });
      expect(leftOut.map(({ reason }) => reason)).toEqual(["not-cross-signed"]);
    });

    it("leave out users with a changed identity by default", () => {
      const described: Described = { devices: { A: {} }, state: "changed" };
      expect(among(described, { devices: "cross-signed" })).toEqual([[], { A: "identity-changed" }]);
      expect(among(described, { devices: "cross-signed", excludeChangedIdentities: false })).toEqual([["A"], {}]);
    });
  });

  it("leave out no devices for any other state of the identity", () => {
    const policy: RecipientPolicy = { devices: "all" };
    for (const state of ["none", "unchanged", "removed"] as const)
      expect(among({ devices: { A: {} }, state }, policy)).toEqual([["A"], {}]);
  });

  it("leave out dehydrated devices on request", () => {
    const devices = { A: {}, B: { dehydrated: true } };
    expect(among({ devices }, { excludeDehydrated: true })).toEqual([["A"], { B: "dehydrated" }]);
    expect(among({ devices }, { excludeDehydrated: false })).toEqual([["A", "B"], {}]);
  });

  it("give the first reason that applies", () => {
    const all = { devices: { D: { crossSigned: false, dehydrated: true } }, state: "changed" } as const;
    const policy: RecipientPolicy = {
      devices: "cross-signed",
      excludeDehydrated: true,
      blocked: [{ userId: BOB, deviceId: "D" }],
      ownDevice: { userId: BOB, deviceId: "D" },
    };
    const { ownDevice: _, ...notOwn } = policy;
    const { blocked: __, ...notBlocked } = notOwn;
    const reasons = [
      among({ ...all, withoutKey: ["D"] }, policy),
      among({ ...all, withoutKey: ["D"] }, notOwn),
      among(all, notOwn),
      among(all, notBlocked),
      among({ ...all, state: "unchanged" }, notBlocked),
      among({ devices: { D: { dehydrated: true } } }, notBlocked),
    ];
    expect(reasons).toEqual(
      ["own-device", "no-key", "blocked", "identity-changed", "not-cross-signed", "dehydrated"].map((reason) => [
        [],
        { D: reason },
      ]),
    );
  });

  it("list users whose devices are uncertain", () => {
    const users = new Map(
      (["current", "superseded", "untracked", "unreachable", "outdated"] as const).map((freshness) =>
        user(`@${freshness}:example.org`, { devices: { A: {} }, freshness }),
      ),
    );
    const { devices, uncertain } = recipients(users);
    expect(devices.length).toBe(5);
    expect(uncertain).toEqual(
      ["superseded", "untracked", "unreachable", "outdated"].map((freshness) => `@${freshness}:example.org`),
    );
  });

  it("of a user whose identity is unknown are uncertain", () => {
    const { devices, uncertain } = recipients(new Map([user(BOB, { devices: { B: {} }, state: "unknown" })]));
    expect(names(devices)).toEqual([`${BOB} B`]);
    expect(uncertain).toEqual([BOB]);
  });

  it("of a user who cannot be reached are chosen from the last known list, and the user is uncertain", () => {
    const devices = { GOOD: {}, BARE: { crossSigned: false } };
    const [userId, { deviceKeys, ...rest }] = user(BOB, {
      devices,
      rejected: ["KEPT", "BAD"],
      freshness: "unreachable",
    });
    const lastKnown = new Map([...deviceKeys, ["KEPT", testDevice(BOB, "KEPT")] as const]);
    for (const shown of [new Map<DeviceId, never>(), lastKnown]) {
      const selected = recipients(new Map([[userId, { ...rest, deviceKeys: shown, lastKnown }]]));
      expect(names(selected.devices)).toEqual([`${BOB} GOOD`]);
      expect(selected.leftOut.map(({ deviceId, reason }) => `${deviceId} ${reason}`)).toEqual([
        "BARE not-cross-signed",
        "KEPT not-cross-signed",
        "BAD rejected",
      ]);
      expect(selected.uncertain).toEqual([BOB]);
    }
  });

  it("of such a user are none if their identity had changed", () => {
    const [userId, { deviceKeys, ...rest }] = user(BOB, {
      devices: { A: {} },
      state: "changed",
      freshness: "unreachable",
    });
    const { leftOut } = recipients(new Map([[userId, { ...rest, deviceKeys: new Map(), lastKnown: deviceKeys }]]));
    expect(leftOut.map(({ reason }) => reason)).toEqual(["identity-changed"]);
  });

  it("accept device IDs such as __proto__", () => {
    const devices = Object.fromEntries([
      ["__proto__", {}],
      ["constructor", {}],
    ]) as Readonly<Record<DeviceId, Partial<DeviceStatus>>>;
    expect(among({ devices })).toEqual([["__proto__", "constructor"], {}]);
    expect(among({ devices, rejected: ["toString"] }, { blocked: [{ userId: BOB, deviceId: "constructor" }] })).toEqual(
      [["__proto__"], { constructor: "blocked", toString: "rejected" }],
    );
  });
});
