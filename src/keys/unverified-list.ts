import type { DeviceId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import type { CrossSigningKeys } from "./cross-signing-keys.js";

/** One user's device list as a response gave it: well-formed, its signatures not verified yet. */
export interface UnverifiedList extends CrossSigningKeys {
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  /** When the response arrived, in ms since the epoch. */
  readonly fetchedAt: number;
}

/** A part of one user's response, other than a device, that was refused. */
export interface RefusedPart {
  /** The section of the response, such as `master_keys`. */
  readonly path: string;
  readonly problem: string;
}
