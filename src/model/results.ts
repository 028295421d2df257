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
 * - `malformed`: not the shape that the Matrix spec gives ("DeviceInformation")
 * - `user-id-mismatch`: its `user_id` is not the user under whom it came
 * - `device-id-mismatch`: its `device_id` is not the ID under which it came
 * - `too-large`: more than `MAX_DEVICE_LENGTH` characters, or nested deeper than `MAX_DEVICE_DEPTH`
 * - `too-many-devices`: beyond the first `MAX_DEVICES_PER_USER` of its user
 */
export type RejectionCode = "malformed" | "user-id-mismatch" | "device-id-mismatch" | "too-large" | "too-many-devices";

/** Why a device was refused: a code for programs, a sentence for people. */
export interface RejectionReason {
  readonly code: RejectionCode;
  /** What is wrong and where, such as `algorithms: expected an array of strings`. */
  readonly detail: string;
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
}

/** One entry for every user asked, in the order asked. */
export type DeviceKeysByUser = ReadonlyMap<UserId, UserDeviceKeys>;
