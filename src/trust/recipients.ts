import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";

/** Whom to encrypt for. Every part has a default: what the Matrix spec recommends ("Recommended client behaviour", since v1.18, from MSC4153). */
export interface RecipientPolicy {
  /**
   * - `cross-signed`: only devices that their owner's identity has signed (MSC4153, "Exclude non-cross-signed devices")
   * - `all`: also those that it has not; not dehydrated ones, which nobody may write to then (MSC3814, "Dehydrating a device")
   * @default "cross-signed"
   */
  readonly devices?: "cross-signed" | "all";
  /** Whether devices of a user whose identity has changed, unacknowledged, are left out ("Key and signature security": people are told before communication goes on). @default true */
  readonly excludeChangedIdentities?: boolean;
  /** Whether dehydrated devices (MSC3814, "Dehydrating a device") are left out: of messages that are of no use to somebody who is logged out. @default false */
  readonly excludeDehydrated?: boolean;
  /** Devices that a person has blocked. */
  readonly blocked?: Iterable<{ readonly userId: UserId; readonly deviceId: DeviceId }>;
  /** The device that sends: it need not write to itself. */
  readonly ownDevice?: { readonly userId: UserId; readonly deviceId: DeviceId };
}

/**
 * Why a device is not written to:
 *
 * - `own-device`: it is the one that sends
 * - `rejected`: it did not pass validation (`UserDeviceKeys.rejected` says why)
 * - `no-key`: it has no curve25519 key to encrypt for
 * - `blocked`, `identity-changed`, `not-cross-signed`, `dehydrated`: by the policy
 */
export type LeftOutReason =
  "own-device" | "rejected" | "no-key" | "blocked" | "identity-changed" | "not-cross-signed" | "dehydrated";

export interface Recipients {
  readonly devices: readonly { readonly userId: UserId; readonly deviceId: DeviceId; readonly device: DeviceKeys }[];
  readonly leftOut: readonly { readonly userId: UserId; readonly deviceId: DeviceId; readonly reason: LeftOutReason }[];
  /** Users whose list is not `current`: there may be devices that we do not know, or that are gone. */
  readonly uncertain: readonly UserId[];
}

/**
 * The devices to encrypt for, out of what a lookup gave, and why each of the others is left out.
 *
 * 1. What did not pass validation, the sender's own device and devices without a curve25519 key are left out whatever the policy is.
 * 2. The policy decides about the rest. The first reason that applies is given, in the order of {@link LeftOutReason}.
 *
 * Pure. An application that must not send on uncertain knowledge looks at `uncertain` first.
 *
 * @example
 * const { devices, leftOut } = recipients(users, { ownDevice: { userId, deviceId } });
 * // devices: [{ userId: "@bob:example.org", deviceId: "JLAFKJWSCS", device: {…} }], leftOut: [{ …, deviceId: "OLDPHONE", reason: "not-cross-signed" }]
 */
export function recipients(users: DeviceKeysByUser, policy: RecipientPolicy = {}): Recipients {
  const {
    devices: wanted = "cross-signed",
    excludeChangedIdentities = true,
    excludeDehydrated = false,
    ownDevice,
  } = policy;
  const blocked = new Map<UserId, Set<DeviceId>>();
  for (const { userId, deviceId } of policy.blocked ?? [])
    blocked.set(userId, (blocked.get(userId) ?? new Set()).add(deviceId));

  const isOwn = (userId: UserId, deviceId: DeviceId) => userId === ownDevice?.userId && deviceId === ownDevice.deviceId;
  const reasonFor = (
    userId: UserId,
    deviceId: DeviceId,
    device: DeviceKeys,
    { deviceStatus, identity }: UserDeviceKeys,
  ): LeftOutReason | undefined => {
    const status = deviceStatus.get(deviceId);
    if (isOwn(userId, deviceId)) return "own-device";
    if (deviceKey(device, "curve25519") === undefined) return "no-key";
    if (blocked.get(userId)?.has(deviceId) === true) return "blocked";
    if (excludeChangedIdentities && identity.state === "changed") return "identity-changed";
    if ((wanted === "cross-signed" || status?.dehydrated === true) && status?.crossSigned !== true)
      return "not-cross-signed";
    return excludeDehydrated && status?.dehydrated === true ? "dehydrated" : undefined;
  };

  const devices: Recipients["devices"][number][] = [];
  const leftOut: Recipients["leftOut"][number][] = [];
  const uncertain: UserId[] = [];
  for (const [userId, keys] of users) {
    if (keys.freshness !== "current") uncertain.push(userId);
    for (const [deviceId, device] of keys.deviceKeys) {
      const reason = reasonFor(userId, deviceId, device, keys);
      if (reason === undefined) devices.push({ userId, deviceId, device });
      else leftOut.push({ userId, deviceId, reason });
    }
    // A device whose new keys were refused may be there as it was before.
    for (const deviceId of keys.rejected.keys())
      if (!keys.deviceKeys.has(deviceId))
        leftOut.push({ userId, deviceId, reason: isOwn(userId, deviceId) ? "own-device" : "rejected" });
  }
  return { devices, leftOut, uncertain };
}
