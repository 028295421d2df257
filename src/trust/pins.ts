import { deviceKey } from "../keys/device-key.js";
import { MAX_PINNED_DEVICES_PER_USER } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceList } from "./device-list.js";

/**
 * The first keys seen of a user. Only a person's word replaces them, so that a homeserver cannot exchange a key that was
 * compared or verified.
 *
 * Pins are written from every response whose signatures were verified, cached or not. They remain when the device or
 * the list is deleted and when the user leaves, as long as there is {@link withRoom room}.
 */
export interface Pins {
  /** The ed25519 key of each device ID, in the order in which they were first seen. */
  readonly devices: ReadonlyMap<DeviceId, string>;
  /** The public key of the master key first seen, or acknowledged last. */
  readonly masterKey?: string;
  /** IDs of devices that have been signed by their pinned key. */
  readonly signed?: ReadonlySet<DeviceId>;
  /**
   * Whether other keys may have been pinned before that are lost or cannot be read: an identity that agrees with these
   * pins is not known to be unchanged, until a person acknowledges it.
   */
  readonly incomplete?: true;
}

export const NO_PINS: Pins = { devices: new Map() };
/** No pins can be read, although there may be some. */
export const LOST_PINS: Pins = { devices: new Map(), incomplete: true };

/** Whether these pins say nothing at all. */
export const isNothing = ({ devices, masterKey, incomplete }: Pins): boolean =>
  devices.size === 0 && masterKey === undefined && incomplete === undefined;

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
  if (record.incomplete !== undefined && record.incomplete !== true) return undefined;
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
  return makePins({ devices, signed: new Set(signed), masterKey: list.identity.pinnedMasterKey });
}

/**
 * Merges two sets of pins; the first one wins, and comes first: the order is that in which devices were first seen.
 * Whether the result is complete, the first one decides.
 */
export function mergePins(first: Pins, later: Pins): Pins {
  if (later.devices.size === 0 && later.masterKey === undefined) return first;
  const signed = Array.from(later.signed ?? []).filter((id) => {
    const pinned = first.devices.get(id);
    // Ignore a signature by another key than the pinned one.
    return pinned === undefined || !later.devices.has(id) || later.devices.get(id) === pinned;
  });
  return makePins({
    ...first,
    devices: new Map([...first.devices, ...Array.from(later.devices).filter(([id]) => !first.devices.has(id))]),
    signed: new Set([...(first.signed ?? []), ...signed]),
    masterKey: first.masterKey ?? later.masterKey,
  });
}

/** Pins this key for a device instead of the one first seen. That the other key has signed the device says nothing now. */
export function repin(pins: Pins, deviceId: DeviceId, key: string): Pins {
  if (pins.devices.get(deviceId) === key) return pins;
  const signed = new Set(pins.signed);
  signed.delete(deviceId);
  return makePins({ ...pins, devices: new Map(pins.devices).set(deviceId, key), signed });
}

/** Pins this master key instead of the one first seen, whether that is known or not. */
export function repinMasterKey(pins: Pins, masterKey: string): Pins {
  return makePins({ ...pins, masterKey, incomplete: undefined });
}

/**
 * Pins that have room for new devices: at the limit, the oldest pins of devices that are gone are dropped. A device of
 * that ID that comes back is a new one.
 */
export function withRoom(
  pins: Pins,
  added: ReadonlyMap<DeviceId, string>,
  isLive: (deviceId: DeviceId) => boolean,
): Pins {
  let excess = pins.devices.size + added.size - MAX_PINNED_DEVICES_PER_USER;
  if (excess <= 0) return pins;
  const devices = new Map(pins.devices);
  for (const deviceId of pins.devices.keys()) {
    if (excess === 0) break;
    if (isLive(deviceId)) continue;
    devices.delete(deviceId);
    excess--;
  }
  const signed = Array.from(pins.signed ?? []).filter((deviceId) => devices.has(deviceId));
  return makePins({ ...pins, devices, signed: new Set(signed) });
}

/** Pins without empty properties. */
export function makePins({
  devices,
  signed,
  masterKey,
  incomplete,
}: { readonly [Name in keyof Pins]: Pins[Name] | undefined } & Pick<Pins, "devices">): Pins {
  return {
    devices,
    ...(signed !== undefined && signed.size > 0 && { signed }),
    ...(masterKey !== undefined && { masterKey }),
    ...(incomplete !== undefined && { incomplete }),
  };
}
