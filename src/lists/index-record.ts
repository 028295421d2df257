import { comparableKey, KEY_ALGORITHMS, type KeyAlgorithm } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { isSigned, type DeviceList } from "../trust/device-list.js";

/** The public keys of one device, in the order of {@link KEY_ALGORITHMS}. Without keys, the device is gone. */
export type IndexEntry = readonly [UserId, DeviceId, ...(string | undefined)[]];

/**
 * The devices that one save brought, changed or removed. Later records override earlier ones, device by device.
 *
 * A flat array with four values per device: an array for each would take five times the memory, and as long to store.
 */
export type IndexRecord = readonly (string | undefined)[];

const VALUES = 2 + KEY_ALGORITHMS.length;

export const toIndexRecord = (entries: readonly IndexEntry[]): IndexRecord =>
  Array.from({ length: VALUES * entries.length }, (_, i) => entries[Math.floor(i / VALUES)]?.[i % VALUES]);

/** Returns a record's entries, or `undefined` if it is damaged. */
export function readIndex(record: unknown): readonly IndexEntry[] | undefined {
  if (!Array.isArray(record) || record.length % VALUES !== 0) return undefined;
  const entries: IndexEntry[] = [];
  for (let i = 0; i < record.length; i += VALUES) {
    const [userId, deviceId, ...keys] = record.slice(i, i + VALUES) as readonly unknown[];
    if (typeof userId !== "string" || typeof deviceId !== "string" || !keys.every(isKey)) return undefined;
    entries.push(keys.every((key) => key === undefined) ? [userId, deviceId] : [userId, deviceId, ...keys]);
  }
  return entries;
}

const isKey = (value: unknown): value is string | undefined => value === undefined || typeof value === "string";

/**
 * Returns the index entries of a saved list: all devices that claim their keys, and those that no longer do. Unchanged
 * devices are included, since the index may have lost them: a record was damaged, or it was compacted while the user
 * was not tracked.
 */
export function indexEntries(userId: UserId, before: DeviceList | undefined, after: DeviceList): IndexEntry[] {
  const isClaimant = (deviceId: DeviceId) =>
    after.deviceKeys.has(deviceId) && claimsKeys(after.deviceStatus.get(deviceId));
  const present = Array.from(after.deviceKeys).filter(([deviceId]) => isClaimant(deviceId));
  const gone = Array.from(before?.deviceKeys.keys() ?? []).filter((deviceId) => !isClaimant(deviceId));
  return [
    ...present.map(([deviceId, device]) => entryOf(userId, deviceId, device)),
    ...gone.map((deviceId): IndexEntry => [userId, deviceId]),
  ];
}

/** True if a device claims its keys. An unsigned one proves nothing, and would only keep others from being found. */
export const claimsKeys = (status: DeviceStatus | undefined): boolean => status !== undefined && isSigned(status);

/** A literal, because spreading values into an array reserves memory for many more. */
const entryOf = (userId: UserId, deviceId: DeviceId, device: DeviceKeys): IndexEntry => [
  userId,
  deviceId,
  comparableKey(device, "curve25519"),
  comparableKey(device, "ed25519"),
];

export const keyIn = (entry: IndexEntry, algorithm: KeyAlgorithm): string | undefined =>
  entry[2 + KEY_ALGORITHMS.indexOf(algorithm)];
