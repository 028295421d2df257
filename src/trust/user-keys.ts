import type { Freshness, UserDeviceKeys } from "../model/results.js";
import type { DeviceList } from "./device-list.js";
import { identityStatus } from "./identity.js";
import { keysDigest } from "./keys-digest.js";

/**
 * A list as callers get it.
 * @param ourKey our current user-signing key; `undefined` if there is none that can be relied on
 * @param lastKnown the last list of a user who cannot be reached
 */
export function userKeys(
  list: DeviceList,
  freshness: Freshness,
  ourKey: string | undefined,
  lastKnown?: DeviceList,
): UserDeviceKeys {
  const keys = Object.create(WITH_DIGEST) as UserDeviceKeys;
  const identity = identityStatus(list.identity, ourKey);
  return Object.assign(keys, list, {
    identity,
    freshness,
    ...(lastKnown !== undefined && { lastKnown: lastKnown.deviceKeys }),
  });
}

const digests = new WeakMap<UserDeviceKeys, string>();

/** Few callers ask for it, and a getter of its own would cost each list as much memory as a device. */
const WITH_DIGEST = {
  get digest(): string {
    const keys = this as unknown as UserDeviceKeys;
    const { lastKnown: deviceKeys = keys.deviceKeys } = keys;
    const digest = digests.get(keys) ?? keysDigest({ ...keys, deviceKeys });
    digests.set(keys, digest);
    return digest;
  },
};
