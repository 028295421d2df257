import { checkDevice } from "../keys/check-device.js";
import type { DeviceId, UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceStatus } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { isStatus } from "../trust/device-list.js";

export interface SavedDevice {
  readonly device: DeviceKeys;
  readonly status: DeviceStatus;
}

/**
 * Returns one device of the list in a saved record; `undefined` if it is missing or cannot be trusted. The other
 * devices are not checked: there may be thousands.
 */
export function savedDevice(record: unknown, userId: UserId, deviceId: DeviceId): SavedDevice | undefined {
  if (!isObject(record) || !isObject(record.saved) || !isObject(record.saved.list)) return undefined;
  const { deviceKeys, deviceStatus } = record.saved.list;
  if (!(deviceKeys instanceof Map) || !(deviceStatus instanceof Map)) return undefined;
  const checked = checkDevice(deviceKeys.get(deviceId), userId, deviceId);
  const status: unknown = deviceStatus.get(deviceId);
  return "device" in checked && isStatus(status) ? { device: checked.device, status } : undefined;
}
