import type { DeviceId, UserId } from "./ids.js";
import type { CrossSigningKey, DeviceKeys } from "./wire.js";

/** Users whose device lists changed, users we no longer share an encrypted room with. */
export interface DeviceChanges {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/**
 * Why a result is or is not in the cache:
 *
 * - `current`: as new as every change the tracker has been given up to the moment this value is emitted; cached
 * - `superseded`: a change arrived since the list was asked for or read; true when asked, no longer in the cache
 * - `untracked`: the server does not tell us about this user; not cached
 * - `unreachable`: the user's homeserver could not be asked, or gave nothing usable; usually no devices; not cached
 * - `outdated`: from `getKnownDeviceKeys` only: saved, but a change has been announced since
 */
export type Freshness = "current" | "superseded" | "untracked" | "unreachable" | "outdated";

/**
 * Why a device was refused:
 *
 * - `malformed`: not the shape that the Matrix spec gives ("DeviceInformation"); that `signatures` are missing is a matter of `unsigned`
 * - `user-id-mismatch`: its `user_id` is not the user under whom it came
 * - `device-id-mismatch`: its `device_id` is not the ID under which it came
 * - `too-large`: more than `MAX_DEVICE_LENGTH` characters, or nested deeper than `MAX_DEVICE_DEPTH`
 * - `too-many-devices`: beyond the first `MAX_DEVICES_PER_USER` of its user, or a new one where `MAX_PINNED_DEVICES_PER_USER` have been seen
 * - `invalid-signature`: it is signed in its own name, and the signature does not hold
 * - `unsigned`: it is not signed by itself; only with the option `unsignedDevices: "refuse"`, or where it was signed before
 * - `key-changed`: a device of this ID has been seen with another ed25519 key, which never changes; the device as it was is kept, if we still have it
 * - `key-shared`: another device of its user has the same curve25519 key
 * - `cross-signing-id`: its ID is the public key of one of its user's cross-signing keys, which signatures could then be mistaken for. The Matrix spec ("Key and signature security")
 *   has such a user not be verified, and people warned: that is for whoever leads through verification
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

/** What we make of a device that passed validation. */
export interface DeviceStatus {
  /** Its own ed25519 key has signed it. `false`: it carries no such signature, or has no ed25519 key; one that does not hold is a refusal. */
  readonly signedByItself: boolean;
  /** Its owner's self-signing key has signed it, which in turn their master key has. */
  readonly crossSigned: boolean;
  /** It is dehydrated: a stand-in that takes messages while its owner is logged out (MSC3814). */
  readonly dehydrated: boolean;
}

/**
 * What has become of a user's master key since it was first seen (that one is pinned):
 *
 * - `none`: they never had one
 * - `unchanged`: it is the pinned one
 * - `changed`: it is another one, which nobody has acknowledged: perhaps they reset their identity, perhaps somebody stands in their place
 * - `removed`: they had one, and have none now
 */
export type IdentityState = "none" | "unchanged" | "changed" | "removed";

/** What we make of a user's cross-signing identity. */
export interface IdentityStatus {
  readonly state: IdentityState;
  /** The public key of the master key that the server gives. Unpadded base64. */
  readonly masterKey?: string;
  /** The public key of the master key first seen, or acknowledged last. Unpadded base64. */
  readonly pinnedMasterKey?: string;
  /** Whether our own user-signing key, of an own identity that has not changed, has signed this very master key. Never while `changed`. */
  readonly verified: boolean;
}

/** One user's device list, and how far it can be relied on. Shared between subscribers: never written to. */
export interface UserDeviceKeys {
  /** Devices that passed validation. */
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  /** Only our own user's. */
  readonly userSigningKey?: CrossSigningKey;
  /** Devices that did not pass, and why. */
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  readonly freshness: Freshness;
  /** When the server's answer came, in ms since the epoch, by the scheduler's clock. */
  readonly fetchedAt: number;
  /** Only with `unreachable`: the last list we had. */
  readonly lastKnown?: ReadonlyMap<DeviceId, DeviceKeys>;
  /** What we make of each of `deviceKeys`. */
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  /** What we make of the user's master key. */
  readonly identity: IdentityStatus;
}

/** One entry for every user asked, in the order asked. */
export type DeviceKeysByUser = ReadonlyMap<UserId, UserDeviceKeys>;
