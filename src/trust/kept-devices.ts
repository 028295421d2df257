import { deviceKey } from "../keys/device-key.js";
import { jsonLength, sameJson } from "../keys/json.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH, MAX_LIST_LENGTH } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import type { DeviceStatus } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { isSigned, type DeviceList } from "./device-list.js";
import { crossSigningIds, type Pins } from "./pins.js";

export interface DeviceEntry {
  readonly device: DeviceKeys;
  readonly status: DeviceStatus;
}

const NO_STATUS: DeviceStatus = { signedByItself: false, crossSigned: false, dehydrated: false };

export const entryOf = ({ deviceStatus }: DeviceList, deviceId: DeviceId, device: DeviceKeys): DeviceEntry => ({
  device,
  status: deviceStatus.get(deviceId) ?? NO_STATUS,
});

/**
 * Returns the devices that are kept as they were in the last saved list, because their new form was refused.
 *
 * They are added to the devices of the response, so they have a limit of their own: otherwise the list would grow with
 * every response.
 *
 * @param deviceIds the devices with a refused new form
 * @param refusesUnsigned true if unsigned devices are not kept
 */
export function keptDevices(
  deviceIds: Iterable<DeviceId>,
  verified: DeviceList,
  pins: Pins,
  before: DeviceList | undefined,
  refusesUnsigned: boolean,
): ReadonlyMap<DeviceId, DeviceEntry> {
  const kept = new Map<DeviceId, DeviceEntry>();
  if (before === undefined) return kept;
  const collisions = new Set(crossSigningIds(pins));
  let length = 0;
  for (const deviceId of deviceIds) {
    const device = before.deviceKeys.get(deviceId);
    const pinned = pins.devices.get(deviceId);
    if (device === undefined || pinned === undefined || deviceKey(device, "ed25519") !== pinned) continue;
    const { status: former } = entryOf(before, deviceId, device);
    const status = { ...former, crossSigned: former.crossSigned && hasSameSelfSigningKey(before, verified) };
    if (collisions.has(deviceId) || (refusesUnsigned && !isSigned(status))) continue;
    length += jsonLength(device, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH) ?? MAX_DEVICE_LENGTH;
    if (length > MAX_LIST_LENGTH) break;
    kept.set(deviceId, { device, status });
  }
  return kept;
}

function hasSameSelfSigningKey(before: DeviceList, verified: DeviceList): boolean {
  return verified.selfSigningKey !== undefined && sameJson(before.selfSigningKey?.keys, verified.selfSigningKey.keys);
}
