import { deviceKey } from "../keys/device-key.js";
import type { DeviceId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceList } from "./device-list.js";

/**
 * The first keys seen of a user. They are never replaced, so that a homeserver cannot exchange a key that was compared
 * or verified.
 *
 * Pins are written from every response whose signatures were verified, cached or not. They remain when the device or
 * the list is deleted and when the user leaves.
 */
export interface Pins {
  /** The ed25519 key of each device ID. */
  readonly devices: ReadonlyMap<DeviceId, string>;
  /** The public key of the master key first seen, or acknowledged last. */
  readonly masterKey?: string;
  /** IDs of devices that have been signed by their pinned key. */
  readonly signed?: ReadonlySet<DeviceId>;
}

export const NO_PINS: Pins = { devices: new Map() };

/** Reads saved pins; `undefined` if the record is damaged. */
export function readPins(record: unknown): Pins | undefined {
  if (record === undefined) return NO_PINS;
  if (
    !isObject(record) ||
    !(record.devices instanceof Map) ||
    (record.masterKey !== undefined && typeof record.masterKey !== "string")
  )
    return undefined;
  for (const [deviceId, key] of record.devices as ReadonlyMap<unknown, unknown>)
    if (typeof deviceId !== "string" || typeof key !== "string") return undefined;
  if (record.signed !== undefined && !(record.signed instanceof Set)) return undefined;
  return record as unknown as Pins;
}

/** The pins that follow from a list, in case the saved pins are lost. */
export function pinsOf(list: DeviceList | undefined): Pins {
  if (list === undefined) return NO_PINS;
  const devices = new Map<DeviceId, string>();
  for (const [deviceId, device] of list.deviceKeys) {
    const key = deviceKey(device, "ed25519");
    if (key !== undefined) devices.set(deviceId, key);
  }
  const signed = Array.from(devices.keys()).filter((id) => list.deviceStatus.get(id)?.signedByItself === true);
  return makePins(devices, new Set(signed), list.identity.pinnedMasterKey);
}

/** Merges two sets of pins; the first one wins. */
export function mergePins(first: Pins, later: Pins): Pins {
  if (later.devices.size === 0 && later.masterKey === undefined) return first;
  const signed = Array.from(later.signed ?? []).filter((id) => {
    const pinned = first.devices.get(id);
    // Ignore a signature by another key than the pinned one.
    return pinned === undefined || !later.devices.has(id) || later.devices.get(id) === pinned;
  });
  return makePins(
    new Map([...later.devices, ...first.devices]),
    new Set([...(first.signed ?? []), ...signed]),
    first.masterKey ?? later.masterKey,
  );
}

/** Pins without empty properties. */
export function makePins(
  devices: ReadonlyMap<DeviceId, string>,
  signed: ReadonlySet<DeviceId>,
  masterKey: string | undefined,
): Pins {
  return { devices, ...(signed.size > 0 && { signed }), ...(masterKey !== undefined && { masterKey }) };
}
