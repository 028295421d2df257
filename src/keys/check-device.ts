import * as v from "valibot";
import type { DeviceId, UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { jsonLength } from "./json.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH, MAX_REJECTED_ID_LENGTH } from "./limits.js";
import { areSignatures, areStrings, object, quote, shapeProblem, signatures, strings } from "./shape.js";

/**
 * Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, "DeviceInformation". The spec requires
 * `signatures`; here the option `unsignedDevices` decides about a device without them.
 */
export const deviceShape = v.object({
  user_id: v.string(),
  device_id: v.string(),
  algorithms: v.array(v.string()),
  keys: strings,
  signatures: v.optional(signatures),
  unsigned: v.optional(object),
});

/** Whether a value has the shape of a device. Says the same as {@link deviceShape}, and takes a tenth of the time. */
export function isDeviceShaped(value: unknown): value is DeviceKeys {
  if (!isObject(value)) return false;
  const { user_id: userId, device_id: deviceId, algorithms, keys, signatures: signed, unsigned } = value;
  return (
    typeof userId === "string" &&
    typeof deviceId === "string" &&
    Array.isArray(algorithms) &&
    algorithms.every((one) => typeof one === "string") &&
    areStrings(keys) &&
    (signed === undefined || areSignatures(signed)) &&
    (unsigned === undefined || isObject(unsigned))
  );
}

/** The device and its length in JSON, or the reason why it was refused. */
export type DeviceCheck =
  { readonly device: DeviceKeys; readonly length: number } | { readonly rejected: RejectionReason };

/**
 * Checks that a value received or saved under this user ID and device ID is that device. Signatures are not looked at.
 *
 * Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`: the response maps user IDs and device IDs to
 * "DeviceInformation", which repeats both IDs. If they differ, a server has moved the device.
 */
export function checkDevice(value: unknown, userId: UserId, deviceId: DeviceId): DeviceCheck {
  const length = jsonLength(value, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH);
  if (length === undefined) {
    return reject(
      "too-large",
      `more than ${MAX_DEVICE_LENGTH} characters of JSON, nested deeper than ${MAX_DEVICE_DEPTH}, or not JSON`,
    );
  }
  if (deviceId.length > MAX_REJECTED_ID_LENGTH)
    return reject("too-large", `device_id: more than ${MAX_REJECTED_ID_LENGTH} characters`);
  if (!isDeviceShaped(value)) return reject("malformed", shapeProblem(deviceShape, value) ?? "expected a device");
  const device = value;
  if (device.user_id !== userId)
    return reject("user-id-mismatch", `user_id: expected ${JSON.stringify(userId)}, found ${quote(device.user_id)}`);
  if (device.device_id !== deviceId)
    return reject("device-id-mismatch", `device_id: expected ${quote(deviceId)}, found ${quote(device.device_id)}`);
  return { device, length };
}

const reject = (code: RejectionReason["code"], detail: string): DeviceCheck => ({ rejected: { code, detail } });
