import fc from "fast-check";
import { expect, it } from "vitest";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { Freshness, IdentityState, RejectionCode, UserDeviceKeys } from "../../src/model/results.js";
import type { RecipientPolicy } from "../../src/trust/recipient-policy.js";
import { recipients } from "../../src/trust/recipients.js";
import { entryOf, type DescribedDevice } from "./looked-up.js";

const USERS = ["@a:x.org", "@b:x.org", "@c:x.org"];
const DEVICES = ["D1", "D2", "__proto__"];
const userId = fc.constantFrom(...USERS);
const deviceId = fc.constantFrom(...DEVICES);
const ref = fc.record({ userId, deviceId });

const device: fc.Arbitrary<DescribedDevice> = fc.record({
  signedByItself: fc.boolean(),
  crossSigned: fc.boolean(),
  dehydrated: fc.boolean(),
  withoutKey: fc.boolean(),
  withoutOlm: fc.boolean(),
});
const byDevice = <T>(value: fc.Arbitrary<T>) => fc.dictionary(deviceId, value, { maxKeys: DEVICES.length });

const entry = fc.record({
  devices: byDevice(device),
  rejected: byDevice(fc.constantFrom<RejectionCode>("malformed", "key-changed", "key-shared", "invalid-signature")),
  state: fc.constantFrom<IdentityState>("none", "unchanged", "unchanged", "changed", "removed", "unknown"),
  identity: fc.record({ verified: fc.boolean(), wasVerified: fc.boolean() }),
  freshness: fc.constantFrom<Freshness>("current", "superseded", "untracked", "unreachable", "outdated"),
});
const lookup: fc.Arbitrary<ReadonlyMap<UserId, UserDeviceKeys>> = fc
  .uniqueArray(fc.tuple(userId, entry, fc.boolean()), { selector: ([id]) => id })
  .map(
    (entries) =>
      new Map(entries.map(([id, described, isWatched]) => [id, unreached(entryOf(id, described), isWatched)])),
  );

/** As the tracker has it: what is known of a user who cannot be reached is in `lastKnown`. */
function unreached(keys: UserDeviceKeys, isWatched: boolean): UserDeviceKeys {
  const { deviceKeys, freshness } = keys;
  if (freshness !== "unreachable") return keys;
  return { ...keys, lastKnown: deviceKeys, deviceKeys: isWatched ? deviceKeys : new Map() };
}

const flag = fc.option(fc.boolean(), { nil: undefined });
const policy = fc.record(
  {
    devices: fc.constantFrom("cross-signed", "all"),
    unsigned: flag,
    excludeChangedIdentities: flag,
    excludeUnknownIdentities: flag,
    excludeViolations: flag,
    excludeDehydrated: flag,
    blocked: fc.array(ref, { maxLength: 4 }),
    ownDevice: ref,
    users: fc.array(userId),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<RecipientPolicy>;

type Rule = (
  keys: UserDeviceKeys,
  policy: RecipientPolicy,
  ref: { readonly userId: UserId; readonly deviceId: DeviceId },
) => boolean;
const statusOf = (keys: UserDeviceKeys, id: DeviceId) => keys.deviceStatus.get(id)!;
const listOf = ({ deviceKeys, lastKnown = deviceKeys }: UserDeviceKeys) => lastKnown;

/** What forbids a device, each by itself and in no order. */
const FORBIDS: Readonly<Record<string, Rule>> = {
  "own device": (_, { ownDevice }, { userId, deviceId }) =>
    ownDevice?.userId === userId && ownDevice.deviceId === deviceId,
  "not in the list": (keys, _, { deviceId }) => !listOf(keys).has(deviceId),
  "another key": ({ rejected }, _, { deviceId }) => rejected.get(deviceId)?.code === "key-changed",
  "no key": (keys, _, { deviceId }) => listOf(keys).get(deviceId)?.keys[`curve25519:${deviceId}`] === undefined,
  "no Olm": (keys, _, { deviceId }) =>
    listOf(keys).get(deviceId)?.algorithms.includes("m.olm.v1.curve25519-aes-sha2") !== true,
  blocked: (_, { blocked = [] }, { userId, deviceId }) =>
    [...blocked].some((one) => one.userId === userId && one.deviceId === deviceId),
  "unknown identity": ({ identity }, { excludeUnknownIdentities = true }) =>
    excludeUnknownIdentities && identity.state === "unknown",
  "other identity": ({ identity }, { excludeChangedIdentities = true }) =>
    excludeChangedIdentities && (identity.state === "changed" || identity.state === "removed"),
  violation: ({ identity }, { excludeViolations = true }) =>
    excludeViolations && identity.wasVerified && !identity.verified,
  unsigned: (keys, { unsigned = false }, { deviceId }) =>
    !unsigned && !statusOf(keys, deviceId).signedByItself && !statusOf(keys, deviceId).crossSigned,
  "not cross-signed": (keys, { devices = "cross-signed" }, { deviceId }) =>
    devices === "cross-signed" && !statusOf(keys, deviceId).crossSigned,
  "dehydrated, not cross-signed": (keys, _, { deviceId }) =>
    statusOf(keys, deviceId).dehydrated && !statusOf(keys, deviceId).crossSigned,
  dehydrated: (keys, { excludeDehydrated = false }, { deviceId }) =>
    excludeDehydrated && statusOf(keys, deviceId).dehydrated,
};

it("each device is once in devices or in leftOut, and gets the message unless a rule forbids it", () => {
  const applied = new Set<string>();
  let chosen = 0;
  fc.assert(
    fc.property(lookup, policy, (users, given) => {
      const { devices, leftOut, uncertain } = recipients(users, given);
      const name = ({ userId, deviceId }: { userId: UserId; deviceId: DeviceId }) => `${userId} ${deviceId}`;
      const all = [...users].flatMap(([userId, keys]) =>
        [...new Set([...listOf(keys).keys(), ...keys.rejected.keys()])].map((deviceId) => ({ userId, deviceId })),
      );
      expect([...devices, ...leftOut].map(name).sort()).toEqual(all.map(name).sort());
      const allowed = all.filter((ref) => {
        const keys = users.get(ref.userId)!;
        const why = Object.entries(FORBIDS).find(([, forbids]) => forbids(keys, given, ref));
        if (why !== undefined) applied.add(why[0]);
        return why === undefined;
      });
      expect(devices.map(name)).toEqual(allowed.map(name));
      chosen += devices.length;
      for (const { userId, deviceId, device } of devices) expect(device).toBe(listOf(users.get(userId)!).get(deviceId));
      const isDoubted = (userId: UserId) => {
        const keys = users.get(userId);
        return keys === undefined
          ? [...(given.users ?? [])].includes(userId)
          : keys.freshness !== "current" || keys.identity.state === "unknown";
      };
      expect([...uncertain].sort()).toEqual(USERS.filter(isDoubted).sort());
    }),
    { numRuns: 1_000 },
  );
  // Or the property would say nothing of them.
  expect(chosen).toBeGreaterThan(100);
  expect([...applied].sort()).toEqual(Object.keys(FORBIDS).sort());
});
