import type { DeviceId } from "../model/ids.js";
import type { DeviceStatus, RejectionCode, RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { deviceKey } from "../keys/device-key.js";
import type { DeviceList } from "./device-list.js";
import { isObject, jsonLength, sameJson } from "../keys/json.js";
import {
  MAX_DEVICE_DEPTH,
  MAX_DEVICE_LENGTH,
  MAX_LIST_LENGTH,
  MAX_PINNED_DEVICES_PER_USER,
  MAX_REJECTED_PER_USER,
  shortId,
} from "../keys/limits.js";

/**
 * What was first seen of a user, and stays so: whoever controls their homeserver must not be able to put another key in the place of one that was compared or verified.
 *
 * Pins are written from every answer whose signatures were verified, cached or not, and outlive the device, the user's leaving and the list.
 */
export interface Pins {
  /** Each device ID's ed25519 key. */
  readonly devices: ReadonlyMap<DeviceId, string>;
  /** The public key of the first master key, or of the one acknowledged last. */
  readonly masterKey?: string;
  /** Device IDs that have been signed by their pinned key. */
  readonly signed?: ReadonlySet<DeviceId>;
}

export const NO_PINS: Pins = { devices: new Map() };

/** The pins in a record, or `undefined` where it is damaged. */
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

/** What a list would have pinned: where the pins themselves are lost. */
export function pinsOf(list: DeviceList | undefined): Pins {
  if (list === undefined) return NO_PINS;
  const devices = new Map<DeviceId, string>();
  for (const [deviceId, device] of list.deviceKeys) {
    const key = deviceKey(device, "ed25519");
    if (key !== undefined) devices.set(deviceId, key);
  }
  const signed = new Set(
    Array.from(devices.keys()).filter((deviceId) => list.deviceStatus.get(deviceId)?.signedByItself === true),
  );
  const { pinnedMasterKey } = list.identity;
  return {
    devices,
    ...(signed.size > 0 && { signed }),
    ...(pinnedMasterKey !== undefined && { masterKey: pinnedMasterKey }),
  };
}

/** Refusals of what a device is to become, rather than of the device: the one that we have stays. */
const KEEPING: readonly RejectionCode[] = [
  "malformed",
  "user-id-mismatch",
  "device-id-mismatch",
  "too-large",
  "invalid-signature",
];

const KEPT = "the device as it was is kept";
const LEFT_OUT = "it is left out";

/** First writer wins. */
export function mergePins(first: Pins, later: Pins): Pins {
  if (later.devices.size === 0 && later.masterKey === undefined) return first;
  const masterKey = first.masterKey ?? later.masterKey;
  const signed = new Set(
    [...(first.signed ?? []), ...(later.signed ?? [])].filter(
      (id) =>
        !later.devices.has(id) ||
        !first.devices.has(id) ||
        later.devices.get(id) === first.devices.get(id) ||
        first.signed?.has(id) === true,
    ),
  );
  return {
    devices: new Map([...later.devices, ...first.devices]),
    ...(signed.size > 0 && { signed }),
    ...(masterKey !== undefined && { masterKey }),
  };
}

/**
 * Holds a verified list against the pins, and pins what is new in it.
 *
 * 1. A device whose ed25519 key is not the pinned one, or gone, is refused, and so is one that has lost the signature by that key: its other keys may be anybody's. The device as it
 *    was is kept, where `before` still has it. Matrix spec, client-server API, "Device keys": a device's ed25519 key is its fingerprint. That it stays the same as long as the ID does, is our rule.
 * 2. Devices with one curve25519 key are refused, all of them: Olm knows a device by this key ("m.olm.v1.curve25519-aes-sha2"), and nobody proves to own it. One that was kept stays.
 * 3. The master key is compared, not refused: a changed identity is for a person to acknowledge ("Key and signature security").
 *
 * @param before the list saved last
 * @returns the list as it may be used, and the pins: the same object where nothing is new
 */
export function applyPins(
  verified: DeviceList,
  pins: Pins,
  before: DeviceList | undefined,
  refusesUnsigned = false,
): { readonly list: DeviceList; readonly pins: Pins } {
  const deviceKeys = new Map<DeviceId, DeviceKeys>();
  const deviceStatus = new Map<DeviceId, DeviceStatus>();
  const refused = new Map<DeviceId, RejectionReason>();
  const kept = new Set<DeviceId>();
  let keptLength = 0;
  const pinned = new Map<DeviceId, string>();
  const signed = new Set<DeviceId>();
  const crossSigningIds = new Set(
    [verified.masterKey, verified.selfSigningKey, verified.userSigningKey].flatMap((key) =>
      key === undefined ? [] : Object.values(key.keys),
    ),
  );
  const accept = (deviceId: DeviceId, device: DeviceKeys, status: DeviceStatus | undefined) => {
    if (status?.signedByItself === true && pins.signed?.has(deviceId) !== true) signed.add(deviceId);
    deviceKeys.set(deviceId, device);
    deviceStatus.set(deviceId, status ?? { signedByItself: false, crossSigned: false, dehydrated: false });
  };
  for (const [deviceId, device] of verified.deviceKeys) {
    const key = deviceKey(device, "ed25519");
    const first = pins.devices.get(deviceId);
    const status = verified.deviceStatus.get(deviceId);
    if (first !== undefined && first === key && status?.signedByItself === false && wasSigned(deviceId)) {
      refused.set(shortId(deviceId), {
        code: "unsigned",
        detail: `signatures: none in the name of ed25519:${shortId(deviceId)}, which has signed this device before; ${keepOld(deviceId, first) ? KEPT : LEFT_OUT}`,
      });
    } else if (first === key) accept(deviceId, device, status);
    else if (first !== undefined) {
      refused.set(shortId(deviceId), {
        code: "key-changed",
        detail: `keys.ed25519:${shortId(deviceId)}: this device has another key, which never changes; ${keepOld(deviceId, first) ? KEPT : LEFT_OUT}`,
      });
    } else if (key !== undefined && pins.devices.size + pinned.size >= MAX_PINNED_DEVICES_PER_USER) {
      refused.set(shortId(deviceId), {
        code: "too-many-devices",
        detail: `${MAX_PINNED_DEVICES_PER_USER} devices of this user have been seen, and no further one is taken`,
      });
    } else {
      if (key !== undefined) pinned.set(deviceId, key);
      accept(deviceId, device, verified.deviceStatus.get(deviceId));
    }
  }

  for (const [deviceId, { code }] of verified.rejected) {
    const first = pins.devices.get(deviceId);
    if (
      first !== undefined &&
      !deviceKeys.has(deviceId) &&
      (KEEPING.includes(code) || (code === "unsigned" && wasSigned(deviceId)))
    )
      keepOld(deviceId, first);
  }

  function wasSigned(deviceId: DeviceId): boolean {
    return pins.signed?.has(deviceId) === true || before?.deviceStatus.get(deviceId)?.signedByItself === true;
  }

  function keepOld(deviceId: DeviceId, first: string): boolean {
    const device = before?.deviceKeys.get(deviceId);
    if (before === undefined || device === undefined || deviceKey(device, "ed25519") !== first) return false;
    if (
      crossSigningIds.has(deviceId) ||
      (refusesUnsigned && before.deviceStatus.get(deviceId)?.signedByItself !== true)
    )
      return false;
    // What is kept comes on top of what the answer may hold: without a limit of its own, it would grow with every answer.
    keptLength += jsonLength(device, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH) ?? MAX_DEVICE_LENGTH;
    if (keptLength > MAX_LIST_LENGTH) return false;
    const status = before.deviceStatus.get(deviceId);
    const sameIdentity =
      verified.selfSigningKey !== undefined && sameJson(before.selfSigningKey?.keys, verified.selfSigningKey.keys);
    accept(deviceId, device, status && { ...status, crossSigned: status.crossSigned && sameIdentity });
    kept.add(deviceId);
    return true;
  }

  for (const deviceIds of sharedKeys(deviceKeys)) {
    const some = deviceIds.slice(0, 4);
    for (const deviceId of deviceIds) {
      if (kept.has(deviceId)) continue;
      deviceKeys.delete(deviceId);
      deviceStatus.delete(deviceId);
      const others = some
        .filter((other) => other !== deviceId)
        .slice(0, 3)
        .map((other) => JSON.stringify(other.slice(0, 80)));
      refused.set(shortId(deviceId), {
        code: "key-shared",
        detail: `keys.curve25519:${shortId(deviceId)}: ${others.join(", ")} has the same key`,
      });
    }
  }

  const { masterKey } = verified.identity;
  const pinsMaster = pins.masterKey === undefined && masterKey !== undefined;
  const pinnedMasterKey = pins.masterKey ?? masterKey;
  const changed = pinned.size > 0 || signed.size > 0 || pinsMaster;
  const rejected =
    refused.size === 0
      ? verified.rejected
      : new Map([...refused, ...verified.rejected].slice(0, MAX_REJECTED_PER_USER));
  return {
    list: {
      ...verified,
      deviceKeys,
      deviceStatus,
      rejected,
      identity: { ...verified.identity, ...(pinnedMasterKey !== undefined && { pinnedMasterKey }) },
    },
    pins: changed
      ? {
          devices: new Map([...pins.devices, ...pinned]),
          ...((pins.signed?.size ?? 0) + signed.size > 0 && { signed: new Set([...(pins.signed ?? []), ...signed]) }),
          ...(pinnedMasterKey !== undefined && { masterKey: pinnedMasterKey }),
        }
      : pins,
  };
}

/** Devices with one curve25519 key between them. */
function sharedKeys(deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>): readonly (readonly DeviceId[])[] {
  const byKey = new Map<string, DeviceId[]>();
  for (const [deviceId, device] of deviceKeys) {
    const key = deviceKey(device, "curve25519");
    if (key === undefined) continue;
    const devices = byKey.get(key);
    if (devices === undefined) byKey.set(key, [deviceId]);
    else devices.push(deviceId);
  }
  return Array.from(byKey.values()).filter(({ length }) => length > 1);
}
