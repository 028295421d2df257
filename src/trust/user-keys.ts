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
  let digest: string | undefined;
  return {
    ...list,
    identity: identityStatus(list.identity, ourKey),
    freshness,
    ...(lastKnown !== undefined && { lastKnown: lastKnown.deviceKeys }),
    // Few callers ask for it.
    get digest() {
      return (digest ??= keysDigest(lastKnown ?? list));
    },
  };
}
