import type { DeviceId } from "./ids.js";

/**
 * What happened to a key:
 *
 * - `first-seen`: the first of its kind of this user or device; it was pinned
 * - `shown`: the server returned it instead of the pinned one, which stays pinned
 * - `accepted`: it replaced the pinned one, on stronger evidence
 * - `returned`: the server returned a key that had been replaced
 * - `acknowledged`, `confirmed`: a person pinned it (`acknowledgeIdentity`, `acknowledgeDevice`; `confirmOwnIdentity`)
 * - `forgotten`: a person removed it (`forgetDevice`)
 */
export type KeyEventType =
  "first-seen" | "shown" | "accepted" | "returned" | "acknowledged" | "confirmed" | "forgotten";

/** One event in the history of a user's keys. */
export interface KeyEvent {
  readonly type: KeyEventType;
  readonly kind: "master" | "self-signing" | "device";
  /** The public ed25519 key. Unpadded base64. */
  readonly key: string;
  /** Only if `kind` is `device`. */
  readonly deviceId?: DeviceId;
  /** When the response arrived, or the call was made, in ms since the epoch, by the scheduler's clock. */
  readonly at: number;
}
