import { describe, expect, it } from "vitest";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { RejectionCode } from "../../src/model/results.js";
import type { LeftOutReason, WithheldCode } from "../../src/trust/left-out.js";
import type { RecipientPolicy } from "../../src/trust/recipient-policy.js";
import { recipients } from "../../src/trust/recipients.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { entryOf, lookupOfBob, type Described } from "./looked-up.js";

/** The devices of Bob to encrypt for, and why each of the others was left out. */
function among(described: Described, policy?: RecipientPolicy) {
  const { devices, leftOut } = recipients(lookupOfBob(described), policy);
  return [
    devices.map(({ deviceId }) => deviceId),
    Object.fromEntries(leftOut.map(({ deviceId, reason }) => [deviceId, reason])),
  ];
}
const names = (list: readonly { readonly userId: UserId; readonly deviceId: DeviceId }[]) =>
  list.map(({ userId, deviceId }) => `${userId} ${deviceId}`);

const D = { D: {} };
const SELF_SIGNED = { D: { crossSigned: false } };
const UNSIGNED = { D: { crossSigned: false, signedByItself: false } };
const DEHYDRATED = { D: { dehydrated: true } };
const VIOLATED = { wasVerified: true, verified: false };
const OWN = { ownDevice: { userId: BOB, deviceId: "D" } };
const BLOCKED = { blocked: [{ userId: BOB, deviceId: "D" }] };
const ALL = { devices: "all" } as const;

/** Bob's device D as described, the policy, and why it is left out. */
const CASES: readonly (readonly [string, Described, RecipientPolicy, LeftOutReason | undefined])[] = [
  ["a cross-signed device", { devices: D }, {}, undefined],
  ["a cross-signed device that has not signed itself", { devices: { D: { signedByItself: false } } }, {}, undefined],
  ["the sending device", { devices: D }, OWN, "own-device"],
  ["the sending device, refused", { rejected: { D: "malformed" } }, OWN, "own-device"],
  ["the sending device with another key", { devices: D, rejected: { D: "key-changed" } }, OWN, "own-device"],
  ["a device with another key, kept as it was", { devices: D, rejected: { D: "key-changed" } }, ALL, "key-changed"],
  ["a device with another key, not kept", { rejected: { D: "key-changed" } }, ALL, "key-changed"],
  ["a refused device", { rejected: { D: "invalid-signature" } }, ALL, "rejected"],
  ["a device refused as malformed, kept as it was", { devices: D, rejected: { D: "malformed" } }, {}, undefined],
  ["a device refused as unsigned, kept as it was", { devices: D, rejected: { D: "unsigned" } }, {}, undefined],
  ["a device that is forged now, kept as it was", { devices: D, rejected: { D: "invalid-signature" } }, {}, undefined],
  ["a device without a key to encrypt for", { devices: { D: { withoutKey: true } } }, ALL, "no-key"],
  ["a device without Olm", { devices: { D: { withoutOlm: true } } }, ALL, "no-olm"],
  ["a blocked device", { devices: D }, { ...ALL, ...BLOCKED }, "blocked"],
  ["of an unknown identity", { devices: D, state: "unknown" }, ALL, "identity-unknown"],
  [
    "of an unknown identity, if allowed",
    { devices: D, state: "unknown" },
    { excludeUnknownIdentities: false },
    undefined,
  ],
  ["of a changed identity", { devices: D, state: "changed" }, ALL, "identity-changed"],
  [
    "of a changed identity, if allowed",
    { devices: D, state: "changed" },
    { excludeChangedIdentities: false },
    undefined,
  ],
  ["of a removed identity", { devices: D, state: "removed" }, ALL, "identity-removed"],
  [
    "of a removed identity, if allowed",
    { devices: D, state: "removed" },
    { excludeChangedIdentities: false },
    undefined,
  ],
  ["of a user without an identity", { devices: SELF_SIGNED, state: "none" }, ALL, undefined],
  ["of a user verified once", { devices: D, identity: VIOLATED }, ALL, "verification-violated"],
  ["of a user verified once, if allowed", { devices: D, identity: VIOLATED }, { excludeViolations: false }, undefined],
  ["of a user who still is verified", { devices: D, identity: { wasVerified: true, verified: true } }, {}, undefined],
  ["an unsigned device", { devices: UNSIGNED }, {}, "unsigned"],
  ["an unsigned device, if all are wanted", { devices: UNSIGNED }, ALL, "unsigned"],
  ["an unsigned device, if allowed", { devices: UNSIGNED }, { ...ALL, unsigned: true }, undefined],
  ["an unsigned device among cross-signed ones", { devices: UNSIGNED }, { unsigned: true }, "not-cross-signed"],
  ["a device that has only signed itself", { devices: SELF_SIGNED }, {}, "not-cross-signed"],
  ["a device that has only signed itself, if all are wanted", { devices: SELF_SIGNED }, ALL, undefined],
  ["a dehydrated device", { devices: DEHYDRATED }, {}, undefined],
  ["a dehydrated device, if excluded", { devices: DEHYDRATED }, { ...ALL, excludeDehydrated: true }, "dehydrated"],
  // MSC3814, "Dehydrating a device".
  [
    "a dehydrated device not cross-signed",
    { devices: { D: { dehydrated: true, crossSigned: false } } },
    ALL,
    "not-cross-signed",
  ],
  [
    "an unsigned dehydrated device",
    { devices: { D: { ...UNSIGNED.D, dehydrated: true } } },
    { ...ALL, unsigned: true },
    "not-cross-signed",
  ],
];

describe("recipients", () => {
  it.each(CASES)("%s: $3", (_, described, policy, reason) => {
    expect(among(described, policy)).toEqual(reason === undefined ? [["D"], {}] : [[], { D: reason }]);
  });

  // Matrix spec, client-server API, "Recommended client behaviour".
  it("take defaults for what the policy leaves undefined", () => {
    const devices = { GOOD: {}, SELF: SELF_SIGNED.D, BARE: UNSIGNED.D, SPARE: DEHYDRATED.D };
    const defaults = {
      devices: "cross-signed",
      unsigned: false,
      excludeChangedIdentities: true,
      excludeUnknownIdentities: true,
      excludeViolations: true,
      excludeDehydrated: false,
      blocked: [],
      users: [],
    } as const;
    const nothing = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined])) as RecipientPolicy;
    for (const described of [{ devices }, { devices, state: "changed" }, { devices, identity: VIOLATED }] as const)
      for (const policy of [{}, nothing, defaults]) expect(among(described, policy)).toEqual(among(described));
    expect(among({ devices })).toEqual([["GOOD", "SPARE"], { SELF: "not-cross-signed", BARE: "unsigned" }]);
  });

  it("include users and keys, in the order of the lookup", () => {
    const users = new Map([
      [CAROL, entryOf(CAROL, { devices: { C: {} } })],
      [BOB, entryOf(BOB, { devices: { B2: {}, B1: {} } })],
    ]);
    const { devices } = recipients(users);
    expect(names(devices)).toEqual([`${CAROL} C`, `${BOB} B2`, `${BOB} B1`]);
    expect(devices[0]?.device).toBe(users.get(CAROL)?.deviceKeys.get("C"));
  });

  it("are empty for an empty lookup", () => {
    expect(recipients(new Map())).toEqual({ devices: [], leftOut: [], uncertain: [] });
  });

  it("leave out the sending device, and no other user's device with this ID", () => {
    const users = new Map([
      [ALICE, entryOf(ALICE, { devices: { A: {}, B: {} } })],
      [BOB, entryOf(BOB, { devices: { A: {} } })],
    ]);
    const { devices, leftOut } = recipients(users, { ownDevice: { userId: ALICE, deviceId: "A" } });
    expect(names(devices)).toEqual([`${ALICE} B`, `${BOB} A`]);
    expect(leftOut).toEqual([{ userId: ALICE, deviceId: "A", reason: "own-device" }]);
  });

  it("leave out blocked devices, and no other user's devices with these IDs", () => {
    const users = new Map([
      [CAROL, entryOf(CAROL, { devices: { A: {}, B: {}, C: {} } })],
      [BOB, entryOf(BOB, { devices: { A: {} } })],
    ]);
    const blocked = new Set([
      { userId: CAROL, deviceId: "A" },
      { userId: CAROL, deviceId: "B" },
      { userId: "@nobody:example.org", deviceId: "A" },
    ]);
    const { devices, leftOut } = recipients(users, { blocked });
    expect(names(devices)).toEqual([`${CAROL} C`, `${BOB} A`]);
    expect(leftOut.map(({ reason }) => reason)).toEqual(["blocked", "blocked"]);
  });

  it("leave out devices without a status as unsigned", () => {
    const users = new Map([[BOB, { ...entryOf(BOB, { devices: D }), deviceStatus: new Map() }]]);
    const { leftOut } = recipients(users, ALL);
    expect(leftOut.map(({ reason }) => reason)).toEqual(["unsigned"]);
  });

  it("accept device IDs such as __proto__", () => {
    const devices = Object.fromEntries([
      ["__proto__", {}],
      ["constructor", {}],
    ]) as Readonly<Record<DeviceId, object>>;
    expect(among({ devices })).toEqual([["__proto__", "constructor"], {}]);
    const blocked = [{ userId: BOB, deviceId: "constructor" }];
    const rejected = Object.fromEntries([["toString", "malformed"]]) as Readonly<Record<DeviceId, RejectionCode>>;
    expect(among({ devices, rejected }, { blocked })).toEqual([
      ["__proto__"],
      { constructor: "blocked", toString: "rejected" },
    ]);
  });
});

describe("the reason for which a device is left out", () => {
  const everything = {
    devices: { D: { ...UNSIGNED.D, dehydrated: true, withoutKey: true, withoutOlm: true } },
    rejected: { D: "key-changed" },
    identity: VIOLATED,
  } as const;
  const NOT_OWN = { ...BLOCKED, excludeDehydrated: true };
  /** Each takes away what applied before. */
  const STEPS: readonly (readonly [LeftOutReason, Described, RecipientPolicy])[] = [
    ["own-device", { ...everything, state: "unknown" }, { ...OWN, ...NOT_OWN }],
    ["key-changed", { ...everything, state: "unknown" }, NOT_OWN],
    ["no-key", { ...everything, rejected: {}, state: "unknown" }, NOT_OWN],
    ["no-olm", { devices: { D: { ...UNSIGNED.D, withoutOlm: true } }, state: "unknown" }, BLOCKED],
    ["blocked", { devices: UNSIGNED, state: "unknown", identity: VIOLATED }, BLOCKED],
    ["identity-unknown", { devices: UNSIGNED, state: "unknown", identity: VIOLATED }, {}],
    ["identity-changed", { devices: UNSIGNED, state: "changed", identity: VIOLATED }, {}],
    ["identity-removed", { devices: UNSIGNED, state: "removed", identity: VIOLATED }, {}],
    ["verification-violated", { devices: UNSIGNED, identity: VIOLATED }, {}],
    ["unsigned", { devices: { D: { ...UNSIGNED.D, dehydrated: true } } }, { excludeDehydrated: true }],
    ["not-cross-signed", { devices: { D: { ...SELF_SIGNED.D, dehydrated: true } } }, { excludeDehydrated: true }],
    ["dehydrated", { devices: DEHYDRATED }, { excludeDehydrated: true }],
  ];
  it.each(STEPS)("is %s before those below", (reason, described, policy) => {
    expect(among(described, policy)).toEqual([[], { D: reason }]);
  });

  // Matrix spec, client-server API, "Reporting that decryption keys are withheld".
  const WITHHELD: readonly (readonly [LeftOutReason, WithheldCode | undefined, Described, RecipientPolicy])[] = [
    ["own-device", undefined, { devices: D }, OWN],
    ["key-changed", "m.unverified", { devices: D, rejected: { D: "key-changed" } }, {}],
    ["rejected", undefined, { rejected: { D: "malformed" } }, {}],
    ["no-key", "m.no_olm", { devices: { D: { withoutKey: true } } }, {}],
    ["no-olm", "m.no_olm", { devices: { D: { withoutOlm: true } } }, {}],
    ["blocked", "m.blacklisted", { devices: D }, BLOCKED],
    ["identity-unknown", "m.unverified", { devices: D, state: "unknown" }, {}],
    ["identity-changed", "m.unverified", { devices: D, state: "changed" }, {}],
    ["identity-removed", "m.unverified", { devices: D, state: "removed" }, {}],
    ["verification-violated", "m.unverified", { devices: D, identity: VIOLATED }, {}],
    ["unsigned", "m.unverified", { devices: UNSIGNED }, {}],
    ["not-cross-signed", "m.unverified", { devices: SELF_SIGNED }, {}],
    ["dehydrated", undefined, { devices: DEHYDRATED }, { excludeDehydrated: true }],
  ];
  it.each(WITHHELD)("%s is sent as %s", (reason, withheld, described, policy) => {
    const { leftOut } = recipients(lookupOfBob(described), policy);
    expect(leftOut).toStrictEqual([
      { userId: BOB, deviceId: "D", reason, ...(withheld !== undefined && { withheld }) },
    ]);
  });
});

describe("uncertain recipients", () => {
  it("are users whose list is not current", () => {
    const users = new Map(
      (["current", "superseded", "untracked", "unreachable", "outdated"] as const).map((freshness) => {
        const userId = `@${freshness}:example.org`;
        return [userId, entryOf(userId, { devices: D, freshness })] as const;
      }),
    );
    const { devices, uncertain } = recipients(users);
    expect(devices.length).toBe(5);
    expect(uncertain).toEqual(
      ["superseded", "untracked", "unreachable", "outdated"].map((freshness) => `@${freshness}:example.org`),
    );
  });

  it("are users whose identity is unknown, whatever the policy says", () => {
    const users = lookupOfBob({ devices: D, state: "unknown" });
    expect(recipients(users).uncertain).toEqual([BOB]);
    expect(recipients(users, { excludeUnknownIdentities: false }).uncertain).toEqual([BOB]);
    expect(recipients(lookupOfBob({ state: "unknown", freshness: "unreachable" })).uncertain).toEqual([BOB]);
  });

  it("are wanted users whom the lookup does not contain, each once", () => {
    const users = lookupOfBob({ devices: D });
    const wanted = function* () {
      yield* [CAROL, BOB, "not a user ID", CAROL];
    };
    const { devices, uncertain } = recipients(users, { users: wanted() });
    expect(names(devices)).toEqual([`${BOB} D`]);
    expect(uncertain).toEqual([CAROL, "not a user ID"]);
  });

  it("do not include users who were looked up and are not among the wanted", () => {
    expect(recipients(lookupOfBob({ devices: D }), { users: [] })).toMatchObject({
      devices: [{ userId: BOB, deviceId: "D" }],
      uncertain: [],
    });
  });

  it("who cannot be reached get the message on the devices of the last known list", () => {
    const { deviceKeys, ...rest } = entryOf(BOB, {
      devices: { GOOD: {}, SELF: SELF_SIGNED.D, KEPT: {}, OTHER: {} },
      rejected: { KEPT: "malformed", OTHER: "key-changed", BAD: "malformed" },
      freshness: "unreachable",
    });
    // A lookup has no devices beside lastKnown; a watcher has those that it has shown.
    for (const shown of [new Map<DeviceId, never>(), deviceKeys]) {
      const selected = recipients(new Map([[BOB, { ...rest, deviceKeys: shown, lastKnown: deviceKeys }]]));
      expect(names(selected.devices)).toEqual([`${BOB} GOOD`, `${BOB} KEPT`]);
      expect(selected.leftOut.map(({ deviceId, reason }) => `${deviceId} ${reason}`)).toEqual([
        "SELF not-cross-signed",
        "OTHER key-changed",
        "BAD rejected",
      ]);
      expect(selected.uncertain).toEqual([BOB]);
    }
  });

  it("who cannot be reached get nothing if their identity had changed", () => {
    const { deviceKeys, ...rest } = entryOf(BOB, { devices: D, state: "changed", freshness: "unreachable" });
    const { leftOut } = recipients(new Map([[BOB, { ...rest, deviceKeys: new Map(), lastKnown: deviceKeys }]]));
    expect(leftOut.map(({ reason }) => reason)).toEqual(["identity-changed"]);
  });

  it("who cannot be reached keep devices without a status on the last list out", () => {
    const { deviceKeys: _, ...rest } = entryOf(BOB, { freshness: "unreachable" });
    const lastKnown = new Map([["D", testDevice(BOB, "D")]]);
    const { leftOut } = recipients(new Map([[BOB, { ...rest, deviceKeys: new Map(), lastKnown }]]), ALL);
    expect(leftOut.map(({ reason }) => reason)).toEqual(["unsigned"]);
  });
});
