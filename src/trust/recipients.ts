import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";

/**
 * Which devices to encrypt for. All defaults are what the Matrix spec recommends ("Recommended client behaviour", since
 * v1.18, from MSC4153).
 */
export interface RecipientPolicy {
  /**
   * - `cross-signed`: only devices that their owner's identity has signed (MSC4153, "Exclude non-cross-signed devices")
   * - `all`: other devices, too, except dehydrated ones, which must be cross-signed (MSC3814, "Dehydrating a device")
   * @default "cross-signed"
   */
  readonly devices?: "cross-signed" | "all";
  /**
   * Leaves out the devices of users whose identity has changed and was not acknowledged ("Key and signature security":
   * people are warned before communication continues).
   * @default true
   */
  readonly excludeChangedIdentities?: boolean;
  /**
   * Leaves out dehydrated devices (MSC3814, "Dehydrating a device"). For messages that are of no use to someone who is
   * logged out.
   * @default false
   */
  readonly excludeDehydrated?: boolean;
  /** Devices that a person has blocked. */
  readonly blocked?: Iterable<{ readonly userId: UserId; readonly deviceId: DeviceId }>;
  /** The sending device, which does not encrypt for itself. */
  readonly ownDevice?: { readonly userId: UserId; readonly deviceId: DeviceId };
}

/**
 * Why a device was left out:
 *
 * - `own-device`: it is the sending device
 * - `rejected`: it did not pass validation (for the reason see `UserDeviceKeys.rejected`)
 * - `no-key`: it has no curve25519 key to encrypt for
 * - `blocked`, `identity-changed`, `not-cross-signed`, `dehydrated`: the policy excludes it
 */
export type LeftOutReason =
  "own-device" | "rejected" | "no-key" | "blocked" | "identity-changed" | "not-cross-signed" | "dehydrated";

/** The devices to encrypt for, and those that were left out. */
export interface Recipients {
  readonly devices: readonly { readonly userId: UserId; readonly deviceId: DeviceId; readonly device: DeviceKeys }[];
  readonly leftOut: readonly { readonly userId: UserId; readonly deviceId: DeviceId; readonly reason: LeftOutReason }[];
  /**
   * Users whose list is not `current`: devices may be missing, or may have been removed; those of an `unreachable` user
   * are the last known ones. And users whose identity is `unknown`: keys may be other ones than before.
   */
  readonly uncertain: readonly UserId[];
}

/**
 * Selects the devices to encrypt for from the result of a lookup.
 *
 * 1. The sending device, refused devices, and devices without a curve25519 key are always left out.
 * 2. The policy decides about all others. If several reasons apply, the first one in the order of {@link LeftOutReason}
 *    is given.
 *
 * Pure. An application that must not send with uncertain knowledge checks `uncertain` first.
 *
 * @example
 * const { devices, leftOut } = recipients(users, { ownDevice: { userId, deviceId } });
 * // devices: [{ userId: "@bob:example.org", deviceId: "JLAFKJWSCS", device: {…} }]
 * // leftOut: [{ userId: "@bob:example.org", deviceId: "OLDPHONE", reason: "not-cross-signed" }]
 */
export function recipients(users: DeviceKeysByUser, policy: RecipientPolicy = {}): Recipients {
  const reasonFor = exclusionBy(policy);
  const devices: Recipients["devices"][number][] = [];
  const leftOut: Recipients["leftOut"][number][] = [];
  const uncertain: UserId[] = [];
  for (const [userId, keys] of users) {
    if (keys.freshness !== "current" || keys.identity.state === "unknown") uncertain.push(userId);
    const { deviceKeys, lastKnown = deviceKeys } = keys;
    for (const [deviceId, device] of lastKnown) {
      const reason = reasonFor({ userId, deviceId }, device, keys);
      if (reason === undefined) devices.push({ userId, deviceId, device });
      else leftOut.push({ userId, deviceId, reason });
    }
    for (const deviceId of keys.rejected.keys()) {
      if (lastKnown.has(deviceId)) continue; // its new form was refused, and it was kept as it was
      leftOut.push({
        userId,
        deviceId,
        reason: isSame({ userId, deviceId }, policy.ownDevice) ? "own-device" : "rejected",
      });
    }
  }
  return { devices, leftOut, uncertain };
}

type DeviceRef = NonNullable<RecipientPolicy["ownDevice"]>;

const isSame = (a: DeviceRef, b: DeviceRef | undefined): boolean => a.userId === b?.userId && a.deviceId === b.deviceId;

/** Why the policy leaves out a device that passed validation; `undefined` if it does not. */
function exclusionBy({
  devices = "cross-signed",
  excludeChangedIdentities = true,
  excludeDehydrated = false,
  blocked = [],
  ownDevice,
}: RecipientPolicy) {
  const blockedDevices = new Map<UserId, Set<DeviceId>>();
  for (const { userId, deviceId } of blocked)
    blockedDevices.set(userId, (blockedDevices.get(userId) ?? new Set()).add(deviceId));

  return (
    ref: DeviceRef,
    device: DeviceKeys,
    { deviceStatus, identity }: UserDeviceKeys,
  ): LeftOutReason | undefined => {
    const { crossSigned = false, dehydrated = false } = deviceStatus.get(ref.deviceId) ?? {};
    if (isSame(ref, ownDevice)) return "own-device";
    if (deviceKey(device, "curve25519") === undefined) return "no-key";
    if (blockedDevices.get(ref.userId)?.has(ref.deviceId) === true) return "blocked";
    if (excludeChangedIdentities && identity.state === "changed") return "identity-changed";
    if ((devices === "cross-signed" || dehydrated) && !crossSigned) return "not-cross-signed";
    return excludeDehydrated && dehydrated ? "dehydrated" : undefined;
  };
}
