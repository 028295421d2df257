import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { checkEntry, checkLookup } from "./check-lookup.js";
import { completePolicy } from "./complete-policy.js";
import { leftOutDevice, type LeftOutDevice } from "./left-out.js";
import type { DeviceRef, RecipientPolicy } from "./recipient-policy.js";
import { whyLeftOut } from "./why-left-out.js";

export interface RecipientDevice extends DeviceRef {
  readonly device: DeviceKeys;
}

/** The devices to encrypt for, and those that were left out. */
export interface Recipients {
  readonly devices: readonly RecipientDevice[];
  readonly leftOut: readonly LeftOutDevice[];
  /**
   * Users with a list that is not `current`: devices may be missing or removed; those of an `unreachable` user are the
   * last known ones. Also users with an `unknown` identity, whose keys may have changed, and users of `policy.users`
   * that the lookup does not contain.
   */
  readonly uncertain: readonly UserId[];
}

/**
 * Selects the devices to encrypt for from the result of a lookup. Each of its devices is either in `devices` or in
 * `leftOut`.
 *
 * 1. The sending device, refused devices, and devices that cannot be encrypted for are always left out.
 * 2. The policy decides about all others. {@link LeftOutReason} lists the reasons in order.
 *
 * Pure. An application that must not send with uncertain knowledge checks `uncertain` first.
 *
 * @throws TypeError if `users` is not the result of a lookup, or if the policy has an unknown property or value
 * @example
 * const { devices, leftOut } = recipients(users, { ownDevice: { userId, deviceId }, users: roomMembers });
 * // devices: [{ userId: "@bob:example.org", deviceId: "JLAFKJWSCS", device: {…} }]
 * // leftOut: [{ userId: "@bob:example.org", deviceId: "OLDPHONE", reason: "not-cross-signed", … }]
 */
export function recipients(users: DeviceKeysByUser, policy: RecipientPolicy = {}): Recipients {
  checkLookup(users);
  const complete = completePolicy(policy);
  const devices: RecipientDevice[] = [];
  const leftOut: LeftOutDevice[] = [];
  const uncertain: UserId[] = [];
  for (const [userId, keys] of users) {
    checkEntry(userId, keys);
    if (keys.freshness !== "current" || keys.identity.state === "unknown") uncertain.push(userId);
    const { deviceKeys, lastKnown = deviceKeys, rejected } = keys;
    const reasonFor = whyLeftOut(userId, keys, complete);
    for (const [deviceId, device] of lastKnown) {
      const reason = reasonFor(deviceId, device);
      if (reason === undefined) devices.push({ userId, deviceId, device });
      else leftOut.push(leftOutDevice(userId, deviceId, reason));
    }
    for (const deviceId of rejected.keys()) {
      if (lastKnown.has(deviceId)) continue; // its new form was refused, and it was kept as it was
      const reason = reasonFor(deviceId, undefined);
      if (reason !== undefined) leftOut.push(leftOutDevice(userId, deviceId, reason));
    }
  }
  for (const userId of complete.users) if (!users.has(userId)) uncertain.push(userId);
  return { devices, leftOut, uncertain };
}
