import { checkCrossSigningKey } from "../keys/check-cross-signing-key.js";
import { checkDevice } from "../keys/check-device.js";
import { CROSS_SIGNING_KINDS, type CrossSigningKeys } from "../keys/cross-signing-keys.js";
import { sameJson } from "../keys/json.js";
import type { UnverifiedList } from "../keys/unverified-list.js";
import type { DeviceId, UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceStatus } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { without } from "../model/without.js";
import { NO_IDENTITY, type Identity } from "./identity.js";

/** One user's verified device list, as cached and saved. */
export interface DeviceList extends UnverifiedList {
  /** The status of each of `deviceKeys`. */
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  readonly identity: Identity;
}

export const emptyList = (fetchedAt: number): DeviceList => ({
  deviceKeys: new Map(),
  deviceStatus: new Map(),
  rejected: new Map(),
  identity: NO_IDENTITY,
  fetchedAt,
});

/** The list without these devices, as if they had not been in the response. */
export function withoutDevices(list: DeviceList, ids: DeviceIds): DeviceList {
  if (ids.size === 0) return list;
  return {
    ...list,
    deviceKeys: without(list.deviceKeys, ids),
    deviceStatus: without(list.deviceStatus, ids),
    rejected: without(list.rejected, ids),
  };
}

type DeviceIds = ReadonlySet<DeviceId> | ReadonlyMap<DeviceId, unknown>;

/** Checks a saved list. `undefined` if this version would not have saved it: then nothing of it can be trusted. */
export function readDeviceList(saved: unknown, userId: UserId): DeviceList | undefined {
  if (!isObject(saved) || !Number.isFinite(saved.fetchedAt) || !isIdentity(saved.identity)) return undefined;
  const { deviceKeys, deviceStatus, rejected } = saved;
  if (!(deviceKeys instanceof Map) || !(deviceStatus instanceof Map) || !(rejected instanceof Map)) return undefined;
  const isDevice = (deviceId: unknown, device: unknown) =>
    typeof deviceId === "string" &&
    "device" in checkDevice(device, userId, deviceId) &&
    isStatus(deviceStatus.get(deviceId));
  const isRejection = (deviceId: unknown, reason: unknown) => typeof deviceId === "string" && isReason(reason);
  const hasValidKeys = CROSS_SIGNING_KINDS.every(
    ({ name, usage }) => saved[name] === undefined || "key" in checkCrossSigningKey(saved[name], userId, usage),
  );
  return hasValidKeys && everyEntry(deviceKeys, isDevice) && everyEntry(rejected, isRejection)
    ? onlyKnown(saved as unknown as DeviceList)
    : undefined;
}

/** A record may have any other property; these must not reach a caller. */
function onlyKnown({ deviceKeys, deviceStatus, rejected, identity, fetchedAt, ...others }: DeviceList): DeviceList {
  const keys = CROSS_SIGNING_KINDS.flatMap(({ name }) => (others[name] === undefined ? [] : [[name, others[name]]]));
  return { deviceKeys, deviceStatus, rejected, identity, fetchedAt, ...(Object.fromEntries(keys) as CrossSigningKeys) };
}

function everyEntry(map: ReadonlyMap<unknown, unknown>, isValid: (key: unknown, value: unknown) => boolean): boolean {
  for (const [key, value] of map) if (!isValid(key, value)) return false;
  return true;
}

function isReason(saved: unknown): boolean {
  return isObject(saved) && typeof saved.code === "string" && typeof saved.detail === "string";
}

export function isStatus(saved: unknown): saved is DeviceStatus {
  return (
    isObject(saved) &&
    [saved.signedByItself, saved.crossSigned, saved.dehydrated].every((flag) => typeof flag === "boolean")
  );
}

/** True if the device itself or its owner's identity has signed it. */
export const isSigned = ({ signedByItself, crossSigned }: DeviceStatus): boolean => signedByItself || crossSigned;

function isIdentity(saved: unknown): boolean {
  if (!isObject(saved) || !Array.isArray(saved.signedBy)) return false;
  const { uncompared, confirmed, wasVerified, collisions = [] } = saved;
  if ([uncompared, confirmed, wasVerified].some((flag) => flag !== undefined && flag !== true)) return false;
  if (!Array.isArray(collisions) || collisions.some((deviceId) => typeof deviceId !== "string")) return false;
  return [saved.masterKey ?? "", saved.pinnedMasterKey ?? "", ...(saved.signedBy as unknown[])].every(
    (key) => typeof key === "string",
  );
}

/** The parts by which lists are compared. */
type Comparable = Omit<DeviceList, "fetchedAt" | "identity"> & { readonly identity: object };

/** True if two lists have the same content, apart from the fetch time and the order of devices and properties. */
export function sameDeviceList(a: Comparable, b: Comparable): boolean {
  const maps = ["deviceKeys", "deviceStatus", "rejected"] as const;
  return (
    maps.every((name) => sameMap(a[name], b[name])) &&
    sameJson(a.identity, b.identity) &&
    CROSS_SIGNING_KINDS.every(({ name }) => sameJson(a[name], b[name]))
  );
}

/** True if two devices are equal in everything that signatures cover: all but `signatures` and `unsigned`. */
export function sameContent(a: DeviceKeys, b: DeviceKeys): boolean {
  const { signatures: _a, unsigned: _unsignedA, ...contentA } = a;
  const { signatures: _b, unsigned: _unsignedB, ...contentB } = b;
  return sameJson(contentA, contentB);
}

function sameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !sameJson(value, b.get(key))) return false;
  return true;
}
