import type { DeviceId, UserId } from "./ids.js";
import type { IdentityStatus, RejectionReason } from "./results.js";

/** What an answer changed in one user's device list, compared with the list that was saved before it. Told once it is saved. */
export interface DeviceUpdate {
  readonly userId: UserId;
  /** Devices that were not there before; all of them where the user had never been fetched. */
  readonly added: readonly DeviceId[];
  readonly removed: readonly DeviceId[];
  /** Devices whose display name is another one. */
  readonly renamed: readonly DeviceId[];
  /** Devices that their owner's identity has signed since. */
  readonly crossSigned: readonly DeviceId[];
  /** Devices whose keys are the same, and something else that is signed is not, or that have lost a signature. */
  readonly changed: readonly DeviceId[];
  /** Devices refused, and why, that were not refused for this reason before. */
  readonly refused: ReadonlyMap<DeviceId, RejectionReason>;
  /** Only where the identity is another one than before. */
  readonly identity?: IdentityStatus;
}
