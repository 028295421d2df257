import { DeviceTrackerError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";

/** The access token is that of another user. The request was not sent. */
export class TokenOwnerError extends DeviceTrackerError {
  override readonly name = "TokenOwnerError";
  constructor(
    /** Whose token it is. */
    readonly owner: UserId,
    /** Whose it should be. */
    readonly userId: UserId,
  ) {
    super(`the access token is that of ${owner}, not of ${userId}: pass the userId that the log-in returned`);
  }
}
