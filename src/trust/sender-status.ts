import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus, Freshness, IdentityStatus, UserDeviceKeys } from "../model/results.js";

/** What a decrypted event claims about its sender: `sender`, and the keys of the Olm session or in the event. */
export interface SenderClaim {
  readonly userId: UserId;
  /** The identity key of the Olm session, or `sender_key`. Unpadded base64. */
  readonly curve25519: string;
  /** `keys.ed25519` of the decrypted Olm payload, if any. Unpadded base64. */
  readonly ed25519?: string;
}

/**
 * The result of checking an event's sender:
 *
 * - `device`: exactly one known device claims the curve25519 key; it is one of this user's, has signed its keys itself,
 *   and has the ed25519 key, if one was given
 * - `ambiguous`: other devices, of this user or another, claim the curve25519 key, too: attribute the event to none
 * - `other-user`: only devices of other users claim it
 * - `key-mismatch`: the user's device has another ed25519 key
 * - `unknown`: no known device that has signed its keys claims it; the list may be outdated, so query it and ask again
 */
export type SenderState = "device" | "ambiguous" | "other-user" | "key-mismatch" | "unknown";

/** The result of checking an event's sender. */
export interface SenderStatus {
  readonly state: SenderState;
  /** Only if `state` is `device` or `key-mismatch`. */
  readonly deviceId?: DeviceId;
  readonly deviceStatus?: DeviceStatus;
  /** The user's identity. Only if a list is known. */
  readonly identity?: IdentityStatus;
  /** How reliable the user's list is. Only if one is known. */
  readonly freshness?: Freshness;
  /** Every known device that claims the curve25519 key and has signed it. */
  readonly claimants: readonly { readonly userId: UserId; readonly deviceId: DeviceId }[];
}

/**
 * Checks a claim. Matrix spec, client-server API, "Verification of the sending user for incoming events": the sender's
 * device is the one with this curve25519 key, if it has signed its keys, and its ed25519 key is the one in the event.
 *
 * @param keys what is known of the user that the event names
 * @param claimants the devices in all lists that claim the curve25519 key, including this user's
 */
export function senderStatus(
  { userId, ed25519 }: SenderClaim,
  keys: UserDeviceKeys | undefined,
  claimants: SenderStatus["claimants"],
): SenderStatus {
  const known = { claimants, ...(keys !== undefined && { identity: keys.identity, freshness: keys.freshness }) };
  const [claimant, ...others] = claimants;
  if (claimant === undefined) return { state: "unknown", ...known };
  if (others.length > 0) return { state: "ambiguous", ...known };
  if (claimant.userId !== userId) return { state: "other-user", ...known };
  const { deviceId } = claimant;
  const device = keys?.deviceKeys.get(deviceId);
  const deviceStatus = keys?.deviceStatus.get(deviceId);
  if (device === undefined || deviceStatus?.signedByItself !== true) return { state: "unknown", ...known };
  const isSame = ed25519 === undefined || deviceKey(device, "ed25519") === ed25519;
  return { state: isSame ? "device" : "key-mismatch", deviceId, deviceStatus, ...known };
}
