import type { DeviceId } from "../model/ids.js";

/** What comparing a list with the pins depends on besides the two. */
export interface PinContext {
  /** Whether unsigned devices are refused. */
  readonly refusesUnsigned?: boolean;
  /** Whether the list is our own. */
  readonly isOwn?: boolean;
  /** Our own user-signing key if our identity is confirmed and unchanged. */
  readonly ourKey?: string | undefined;
  /** All that have ever been. */
  readonly ourKeys?: readonly string[];
  /** Our own master key, according to the application. */
  readonly ownMasterKey?: string | undefined;
  /** When the question was asked that the list answers, in ms since the epoch. */
  readonly askedAt?: number | undefined;
  /** Whether the response listed a device of this ID, well-formed or not. */
  readonly isListed?: (deviceId: DeviceId) => boolean;
}
