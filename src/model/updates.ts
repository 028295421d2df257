import type { DeviceId, UserId } from "./ids.js";
import type { IdentityStatus, RejectionReason } from "./results.js";

/**
 * What a response changed in one user's device list, compared with the list saved before it. Emitted once the change is
 * saved.
 */
export interface DeviceUpdate {
  readonly userId: UserId;
  /** New devices; all of them if the user was never fetched before. */
  readonly added: readonly DeviceId[];
  readonly removed: readonly DeviceId[];
  /** Devices with another display name than before. */
  readonly renamed: readonly DeviceId[];
  /** Devices that their owner's identity has signed since. */
  readonly crossSigned: readonly DeviceId[];
  /**
   * Devices with another ed25519 key, which their owner's identity has signed. The former key is not accepted any more.
   */
  readonly rekeyed: readonly DeviceId[];
  /** Devices with the same keys, but other signed content or fewer signatures. */
  readonly changed: readonly DeviceId[];
  /** Devices refused for another reason than before, or for the first time. */
  readonly refused: ReadonlyMap<DeviceId, RejectionReason>;
  /** Only if the identity is not the same as before. */
  readonly identity?: IdentityStatus;
}
