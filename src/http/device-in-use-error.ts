import { DeviceTrackerError } from "../model/errors.js";
import type { DeviceId } from "../model/ids.js";

/**
 * - `has-keys`: the device has uploaded keys
 * - `device-unknown`: the server did not say which device the token belongs to
 * - `keys-unknown`: the server did not say which devices have keys
 */
export type DeviceInUseReason = "has-keys" | "device-unknown" | "keys-unknown";

/** Another client uses, or may use, the device of this access token. */
export class DeviceInUseError extends DeviceTrackerError {
  override readonly name = "DeviceInUseError";
  constructor(
    readonly reason: DeviceInUseReason,
    /** The device of the token, if it is known. */
    readonly deviceId?: DeviceId,
  ) {
    super(explain(reason, deviceId));
  }
}

function explain(reason: DeviceInUseReason, deviceId = ""): string {
  switch (reason) {
    case "has-keys":
      return (
        `This token belongs to ${deviceId}, a device with encryption keys: another client uses it. ` +
        "Syncing here would delete that client’s messages for good, room keys among them. " +
        "Log in once more, and use the token of the new device."
      );
    case "device-unknown":
      return (
        "The server did not say which device this token belongs to, so another client may be using it. " +
        "Nothing was read."
      );
    case "keys-unknown":
      return "The server did not say which of your devices have keys, so this token cannot be used safely.";
  }
}
