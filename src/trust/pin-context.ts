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
  /** The number of the last commit when the question was asked that the list answers. */
  readonly askedAfter?: number | undefined;
  /** Whether the user has changed since, or is not tracked: the list is not the last one. */
  readonly isLate?: boolean;
  /** Whether the response listed a device of this ID, well-formed or not. */
  readonly isListed?: (deviceId: DeviceId) => boolean;
}
