import type { DeviceId, UserId } from "../model/ids.js";

export interface DeviceRef {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/**
 * Decides which devices to encrypt for. All defaults are at least as strict as the Matrix spec recommends ("Recommended
 * client behaviour", since v1.18, from MSC4153). `undefined` stands for the default.
 */
export interface RecipientPolicy {
  /**
   * - `cross-signed`: only devices that their owner's identity has signed (MSC4153, "Exclude non-cross-signed devices")
   * - `all`: also devices that only they themselves have signed, except dehydrated ones, which must be cross-signed
   *   (MSC3814, "Dehydrating a device")
   * @default "cross-signed"
   */
  readonly devices?: "cross-signed" | "all";
  /**
   * With `devices: "all"`, includes devices signed neither by themselves nor by their owner's identity. The server
   * could have made up any of them.
   * @default false
   */
  readonly unsigned?: boolean;
  /**
   * Leaves out the devices of users whose identity was removed, or has changed and was not acknowledged ("Key and
   * signature security": people are warned before communication continues).
   * @default true
   */
  readonly excludeChangedIdentities?: boolean;
  /**
   * Leaves out the devices of users with an identity that cannot be compared with the one seen before.
   * @default true
   */
  readonly excludeUnknownIdentities?: boolean;
  /**
   * Leaves out the devices of users that were verified and no longer are. Their identity need not have changed: the
   * server may only have withheld our signature.
   * @default true
   */
  readonly excludeViolations?: boolean;
  /**
   * Leaves out dehydrated devices (MSC3814, "Dehydrating a device"), for messages that are useless to a logged-out
   * user.
   * @default false
   */
  readonly excludeDehydrated?: boolean;
  /** Devices that a person has blocked. */
  readonly blocked?: Iterable<DeviceRef>;
  /** The sending device, which does not encrypt for itself. */
  readonly ownDevice?: DeviceRef;
  /** The users that should get the message. Those without an entry in the lookup are `uncertain`. */
  readonly users?: Iterable<UserId>;
}
