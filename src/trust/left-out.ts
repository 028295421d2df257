import type { DeviceId, UserId } from "../model/ids.js";

/**
 * Why a device was left out. If several reasons apply, the first one in this order is given:
 *
 * 1. `own-device`: it is the sending device
 * 2. `key-changed`: the server returned another ed25519 key than before; nothing is encrypted to the device under
 *    either key until `acknowledgeDevice`, or until the old key comes back
 * 3. `rejected`: it was refused for another reason (see `UserDeviceKeys.rejected`), and no earlier form of it was kept
 * 4. `no-key`: it has no curve25519 key to encrypt for
 * 5. `no-olm`: it does not list `m.olm.v1.curve25519-aes-sha2` in `algorithms`
 * 6. `blocked`: a person has blocked it
 * 7. `identity-unknown`, `identity-changed`, `identity-removed`: its owner's identity is in this state
 * 8. `verification-violated`: its owner was verified and no longer is
 * 9. `unsigned`: neither the device itself nor its owner's identity has signed it
 * 10. `not-cross-signed`: its owner's identity has not signed it
 * 11. `dehydrated`: it only stands in for a logged-out user
 *
 * The first five apply under every policy; {@link RecipientPolicy} decides about the others.
 */
export type LeftOutReason =
  | "own-device"
  | "key-changed"
  | "rejected"
  | "no-key"
  | "no-olm"
  | "blocked"
  | "identity-unknown"
  | "identity-changed"
  | "identity-removed"
  | "verification-violated"
  | "unsigned"
  | "not-cross-signed"
  | "dehydrated";

/**
 * The `code` of an `m.room_key.withheld` event. Matrix spec, client-server API, "Reporting that decryption keys are
 * withheld", "m.room_key.withheld".
 */
export type WithheldCode = "m.blacklisted" | "m.unverified" | "m.unauthorised" | "m.unavailable" | "m.no_olm";

/** A device that does not get a message. */
export interface LeftOutDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly reason: LeftOutReason;
  /**
   * The code of the `m.room_key.withheld` event to send to it, if any. An event with `m.no_olm` has neither `room_id`
   * nor `session_id`, and is sent once per device, not once per session.
   */
  readonly withheld?: WithheldCode;
}

export function leftOutDevice(userId: UserId, deviceId: DeviceId, reason: LeftOutReason): LeftOutDevice {
  const withheld = withheldFor(reason);
  return withheld === undefined ? { userId, deviceId, reason } : { userId, deviceId, reason, withheld };
}

function withheldFor(reason: LeftOutReason): WithheldCode | undefined {
  switch (reason) {
    case "blocked":
      return "m.blacklisted";
    case "no-key":
    case "no-olm":
      return "m.no_olm";
    case "key-changed":
    case "identity-unknown":
    case "identity-changed":
    case "identity-removed":
    case "verification-violated":
    case "unsigned":
    case "not-cross-signed":
      return "m.unverified";
    // No device misses the message: it is the sender, is not known to exist, or stands in for a logged-out user.
    case "own-device":
    case "rejected":
    case "dehydrated":
      return undefined;
  }
}
