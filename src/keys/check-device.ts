import type { DeviceId, UserId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { jsonLength } from "./json.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH, MAX_REJECTED_ID_LENGTH } from "./limits.js";
import { LIST_OF_TEXTS, OBJECT, quote, shapeProblem, SIGNATURES, TEXT, TEXTS_BY_NAME, type Shape } from "./shape.js";

/**
 * Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, "DeviceInformation". The spec requires
 * `signatures`; here the option `unsignedDevices` decides about a device without them.
 */
const DEVICE: Shape = [
  ["user_id", TEXT],
  ["device_id", TEXT],
  ["algorithms", LIST_OF_TEXTS],
  ["keys", TEXTS_BY_NAME],
  ["signatures", SIGNATURES, "optional"],
  ["unsigned", OBJECT, "optional"],
];

export const isDeviceShaped = (value: unknown): value is DeviceKeys => shapeProblem(DEVICE, value) === undefined;

export type DeviceCheck =
  { readonly device: DeviceKeys; readonly length: number } | { readonly rejected: RejectionReason };

/**
 * Checks that a value received or saved under this user ID and device ID is that device. Does not check signatures.
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
  const problem = shapeProblem(DEVICE, value);
  if (problem !== undefined) return reject("malformed", problem);
  const device = value as DeviceKeys;
  if (device.user_id !== userId)
    return reject("user-id-mismatch", `user_id: expected ${JSON.stringify(userId)}, found ${quote(device.user_id)}`);
  if (device.device_id !== deviceId)
    return reject("device-id-mismatch", `device_id: expected ${quote(deviceId)}, found ${quote(device.device_id)}`);
  return { device, length };
}

const reject = (code: RejectionReason["code"], detail: string): DeviceCheck => ({ rejected: { code, detail } });
