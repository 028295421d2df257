import type { Freshness, UserDeviceKeys } from "../model/results.js";
import type { DeviceList } from "./device-list.js";
import { identityStatus } from "./identity.js";
import { keysDigest } from "./keys-digest.js";

/**
 * Returns a list as callers get it.
 * @param ourKey our current user-signing key; `undefined` if there is no reliable one
 * @param lastKnown the last list of an unreachable user
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

/** Rarely used, and a getter of its own would cost each list as much memory as a device. */
const WITH_DIGEST = {
  get digest(): string {
    const keys = this as unknown as UserDeviceKeys;
    const { lastKnown: deviceKeys = keys.deviceKeys } = keys;
    const digest = digests.get(keys) ?? keysDigest({ ...keys, deviceKeys });
    digests.set(keys, digest);
    return digest;
  },
};
