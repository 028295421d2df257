import type { DeviceId, UserId } from "./ids.js";
import type { CrossSigningKey, DeviceKeys } from "./wire.js";

/** Users whose device lists changed, and users with whom we no longer share an encrypted room. */
export interface DeviceChanges {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/**
 * How far a result can be relied on, and whether it is cached:
 *
 * - `current`: at least as new as every change the tracker had been given when this value was emitted; cached
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
 * - `invalid-signature`: it has a signature in its own name, which is invalid
 * - `unsigned`: it is not signed by itself; only if the option `unsignedDevices` is `"refuse"`, or if the device was
 *   signed before
 * - `key-changed`: a device with this ID is known by another ed25519 key, and its owner's identity has not signed this
 *   one, or it was replaced; the device is kept as it was if its list is still saved, and gets no message under either
 *   key
 * - `key-shared`: another device of its user has the same curve25519 key
 * - `cross-signing-id`: its ID is the public key of one of its user's cross-signing keys, so that signatures by one
 *   could be taken for signatures by the other. According to the Matrix spec ("Key and signature security"), such a
 *   user must not be verified and people should be warned; that is up to the application
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
   * Whether its own ed25519 key has signed it. `false` if it has no such signature or no ed25519 key; a device with an
   * invalid one is refused.
   */
  readonly signedByItself: boolean;
  /** Whether its owner's self-signing key has signed it, which their master key has signed in turn. */
  readonly crossSigned: boolean;
  /** Whether it is dehydrated: it receives messages in place of its owner while they are logged out (MSC3814). */
  readonly dehydrated: boolean;
}

/**
 * How a user's master key compares with the pinned one: the one first seen, unless stronger evidence has replaced it:
 * a person acknowledged another one, or our own confirmed identity has signed it.
 *
 * - `none`: the user has never had a master key
 * - `unchanged`: it is the pinned one
 * - `changed`: it is another one that has not been acknowledged; either the user reset their identity, or someone is
 *   impersonating them
 * - `removed`: the user had a master key, and has none now
 * - `unknown`: it could not be compared, because the store cannot be read or what it has of the user is damaged. If the
 *   store works again, the next answer is compared; what is lost stays `unknown` until `acknowledgeIdentity`. Also that
 *   of an `unreachable` user of whom no list is known
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
   * Whether our own identity has been confirmed (`ownMasterKey`, `confirmOwnIdentity`), is the one that the server
   * gives, and its user-signing key has signed this very master key. `true` only if `unchanged`; never of our own user.
   */
  readonly verified: boolean;
  /**
   * Whether this user has ever been `verified`, until `withdrawVerification`. If they are not `verified` any more,
   * people should be warned: the server may withhold our signature, or show another master key.
   */
  readonly wasVerified: boolean;
  /**
   * Only if `wasVerified`, and our own identity is not confirmed, or not the one that the server gives: then no user is
   * `verified`, and that says nothing about this one.
   */
  readonly unjudged?: true;
  /**
   * IDs of refused devices that are the public key of one of the user's cross-signing keys, now or earlier. According
   * to the Matrix spec ("Key and signature security"), such a user must not be verified, and people should be warned.
   */
  readonly collisions: readonly DeviceId[];
}

/**
 * One user's device list, and how far it can be relied on. Shared between subscribers, so it must not be modified.
 *
 * If `freshness` is `unreachable`, a lookup has the devices of the last list in `lastKnown`, and none in `deviceKeys`;
 * everything else is of that list, too. A watcher leaves the devices that it has shown in `deviceKeys` as well.
 */
export interface UserDeviceKeys {
  /** Devices that passed validation. */
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  /** Only of our own user. */
  readonly userSigningKey?: CrossSigningKey;
  /** Devices that were refused, and why. */
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  readonly freshness: Freshness;
  /** When the server's response arrived, in ms since the epoch, by the scheduler's clock. */
  readonly fetchedAt: number;
  /** The devices of the last list we had. Only if `freshness` is `unreachable`. */
  readonly lastKnown?: ReadonlyMap<DeviceId, DeviceKeys>;
  /** The status of each of `deviceKeys` and `lastKnown`. */
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  /** The status of the user's master key. */
  readonly identity: IdentityStatus;
  /**
   * SHA-256 over the user's keys (`keysDigest`), in unpadded base64: what another person is shown of this user has the
   * same. Computed when it is read, by an inherited getter: a copy such as `{ ...keys }` has none. Compare it over
   * another path than the server's, with `compareViews`.
   */
  readonly digest: string;
}

/** One entry for each requested user, in the order of the request. */
export type DeviceKeysByUser = ReadonlyMap<UserId, UserDeviceKeys>;
