import type { DeviceId, UserId } from "./ids.js";
import type { CrossSigningKey, DeviceKeys } from "./wire.js";

/** Users whose device lists changed, and users that no longer share an encrypted room with us. */
export interface DeviceChanges {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/**
 * How reliable a result is, and whether it is cached:
 *
 * - `current`: at least as new as every change that the tracker had received when this value was emitted; cached
 * - `superseded`: correct when it was queried or read, but a change has arrived since; not cached
 * - `untracked`: the server does not announce changes of this user; not cached
 * - `unreachable`: the user's homeserver could not be reached, or returned nothing usable; with `lastKnown` if a list
 *   is known; not cached
 * - `outdated`: only from `getKnownDeviceKeys`: a saved list for which a change has been announced since
 */
export type Freshness = "current" | "superseded" | "untracked" | "unreachable" | "outdated";

/**
 * Why a device was refused:
 *
 * - `malformed`: it is not the shape that the Matrix spec defines ("DeviceInformation"); for missing `signatures` see
 *   `unsigned`
 * - `user-id-mismatch`: its `user_id` is not the user it was listed under
 * - `device-id-mismatch`: its `device_id` is not the ID it was listed under
 * - `too-large`: it has more than `MAX_DEVICE_LENGTH` characters, or is nested deeper than `MAX_DEVICE_DEPTH`
 * - `too-many-devices`: it comes after the first `MAX_DEVICES_PER_USER` well-formed devices of its user, or the first
 *   `MAX_LISTED_DEVICES_PER_USER` of any kind
 * - `invalid-signature`: its signature by itself is invalid
 * - `unsigned`: it is not signed by itself; only if the option `unsignedDevices` is `"refuse"`, or if the device was
 *   signed before
 * - `key-changed`: the device ID is known with another ed25519 key, and the owner's identity has not signed this one,
 *   or this one was replaced earlier. The device is kept as it was if its list is still saved, and gets no message
 *   under either key
 * - `key-shared`: another device of its user has the same curve25519 key
 * - `cross-signing-id`: its ID is the public key of one of its user's cross-signing keys, so signatures by one could be
 *   mistaken for signatures by the other. According to the Matrix spec ("Key and signature security"), such a user must
 *   not be verified, and people should be warned; that is up to the application
 */
export type RejectionCode =
  | "malformed"
  | "user-id-mismatch"
  | "device-id-mismatch"
  | "too-large"
  | "too-many-devices"
  | "invalid-signature"
  | "unsigned"
  | "key-changed"
  | "key-shared"
  | "cross-signing-id";

/** Why a device was refused: a code for programs, a sentence for people. */
export interface RejectionReason {
  readonly code: RejectionCode;
  /** What is wrong and where, such as `algorithms: expected an array of strings`. */
  readonly detail: string;
}

/** What is known of a device that passed validation. */
export interface DeviceStatus {
  /**
   * True if its own ed25519 key has signed it. `false` if it has no such signature or no ed25519 key; a device with an
   * invalid one is refused.
   */
  readonly signedByItself: boolean;
  /** True if its owner's self-signing key has signed it, and their master key that key. */
  readonly crossSigned: boolean;
  /** True if it is dehydrated: it receives messages for an owner that is logged out (MSC3814). */
  readonly dehydrated: boolean;
}

/**
 * How a user's master key compares with the pinned one. That is the one first seen, unless a person acknowledged
 * another one, or our own confirmed identity has signed another one.
 *
 * - `none`: the user has never had a master key
 * - `unchanged`: it is the pinned one
 * - `changed`: it differs and has not been acknowledged; either the user reset their identity, or someone is
 *   impersonating them
 * - `removed`: the user had a master key, and has none now
 * - `unknown`: it could not be compared, because the store cannot be read or the user's records are damaged. If the
 *   store works again, the next answer is compared; lost pins stay `unknown` until `acknowledgeIdentity`. Also used for
 *   an `unreachable` user without a known list
 */
export type IdentityState = "none" | "unchanged" | "changed" | "removed" | "unknown";

/** What is known of a user's cross-signing identity. */
export interface IdentityStatus {
  readonly state: IdentityState;
  /** The public key of the master key that the server returned. Unpadded base64. */
  readonly masterKey?: string;
  /** The public key of the pinned master key. Unpadded base64. */
  readonly pinnedMasterKey?: string;
  /**
   * True if our own identity has been confirmed (`ownMasterKey`, `confirmOwnIdentity`), is the one that the server
   * returns, and its user-signing key has signed this master key. `true` only if `unchanged`, and never for our own
   * user.
   */
  readonly verified: boolean;
  /**
   * True if this user has ever been `verified`, until `withdrawVerification`. If they are no longer `verified`, people
   * should be warned: the server may withhold our signature, or show another master key.
   */
  readonly wasVerified: boolean;
  /**
   * Set if `wasVerified`, but our own identity is not confirmed or not the one that the server returns: no user is
   * `verified` then, which says nothing about this one.
   */
  readonly unjudged?: true;
  /**
   * IDs of refused devices that equal the public key of one of the user's past or present cross-signing keys. According
   * to the Matrix spec ("Key and signature security"), such a user must not be verified, and people should be warned.
   */
  readonly collisions: readonly DeviceId[];
}

/**
 * One user's device list, and how reliable it is. Shared between subscribers, so it must not be modified.
 *
 * If `freshness` is `unreachable`, a lookup returns the devices of the last list in `lastKnown`, and none in
 * `deviceKeys`; everything else is of that list, too. A watcher also leaves the devices that it has shown in
 * `deviceKeys`.
 */
export interface UserDeviceKeys {
  /** Devices that passed validation. */
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  /** Only for our own user. */
  readonly userSigningKey?: CrossSigningKey;
  /** Devices that were refused, and why. */
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  readonly freshness: Freshness;
  /** When the server's response arrived, in ms since the epoch, by the scheduler's clock. */
  readonly fetchedAt: number;
  /** The devices of the last known list. Only if `freshness` is `unreachable`. */
  readonly lastKnown?: ReadonlyMap<DeviceId, DeviceKeys>;
  /** The status of each of `deviceKeys` and `lastKnown`. */
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  /** The status of the user's master key. */
  readonly identity: IdentityStatus;
  /**
   * SHA-256 over the user's keys (`keysDigest`), in unpadded base64. It is the same for everyone that is shown the same
   * keys; compare it over another path than the server's, with `compareViews`. Computed when read, by an inherited
   * getter: a copy such as `{ ...keys }` has none.
   */
  readonly digest: string;
}

/** One entry for each requested user, in the order of the request. */
export type DeviceKeysByUser = ReadonlyMap<UserId, UserDeviceKeys>;
