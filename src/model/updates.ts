import type { DeviceId, UserId } from "./ids.js";
import type { IdentityStatus, RejectionReason } from "./results.js";

/**
 * What a response changed in one user's device list, compared with the previously saved list. Emitted once the change
 * is saved.
 */
export interface DeviceUpdate {
  readonly userId: UserId;
  /** New devices; all of them if the user was never fetched before. */
  readonly added: readonly DeviceId[];
  readonly removed: readonly DeviceId[];
  /** Devices with a changed display name. */
  readonly renamed: readonly DeviceId[];
  /** Devices that their owner's identity has signed since. */
  readonly crossSigned: readonly DeviceId[];
  /** Devices with another ed25519 key that their owner's identity has signed. The former key is no longer accepted. */
  readonly rekeyed: readonly DeviceId[];
  /** Devices with the same keys, but other signed content or fewer signatures. */
  readonly changed: readonly DeviceId[];
  /** Devices refused for the first time, or for another reason than before. */
  readonly refused: ReadonlyMap<DeviceId, RejectionReason>;
  /** Set if the identity has changed. */
  readonly identity?: IdentityStatus;
}
