import type { DeviceId } from "../model/ids.js";

/** What comparing a list with the pins depends on. */
export interface PinContext {
  readonly refusesUnsigned?: boolean;
  readonly isOwn?: boolean;
  /** Our own user-signing key, if our identity is confirmed and unchanged. */
  readonly ourKey?: string | undefined;
  /** Our own past and present user-signing keys. */
  readonly ourKeys?: readonly string[];
  /** Our own master key, according to the application. */
  readonly ownMasterKey?: string | undefined;
  /** The number of the last commit when the list was queried. */
  readonly askedAfter?: number | undefined;
  /** True if the user has changed since, or is not tracked: the list is not the latest. */
  readonly isLate?: boolean;
  /** True if the response listed a device of this ID, well-formed or not. */
  readonly isListed?: (deviceId: DeviceId) => boolean;
}
