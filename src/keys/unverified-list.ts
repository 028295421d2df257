import type { DeviceId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import type { CrossSigningKeys } from "./cross-signing-keys.js";

/** One user's well-formed device list from a response, with unverified signatures. */
export interface UnverifiedList extends CrossSigningKeys {
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  /** When the response arrived, in ms since the epoch. */
  readonly fetchedAt: number;
}

/** A refused part of one user's response, other than a device. */
export interface RefusedPart {
  /** The section of the response, such as `master_keys`. */
  readonly path: string;
  readonly problem: string;
}
