import { comparableKey, KEY_ALGORITHMS, type KeyAlgorithm } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { isSigned, type DeviceList } from "../trust/device-list.js";

/** The public keys of one device, in the order of {@link KEY_ALGORITHMS}; without keys: the device is gone. */
export type IndexEntry = readonly [UserId, DeviceId, ...(string | undefined)[]];

/** The devices that one save brought, changed or removed. Later records override earlier ones, device by device. */
export type IndexRecord = readonly IndexEntry[];

/** The record, or `undefined` if it is damaged. */
export function readIndex(record: unknown): IndexRecord | undefined {
  const isText = (value: unknown) => value === undefined || typeof value === "string";
  const isEntry = (entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "string" && entry.every(isText);
  return Array.isArray(record) && record.every(isEntry) ? (record as IndexRecord) : undefined;
}

/**
 * What a saved list has the index say: all of its devices that claim their keys, and those that do not any more.
 * Devices that have not changed are among them, since the index may have lost them: a record was damaged, or it was
 * compacted while the user was not tracked.
 */
export function indexEntries(userId: UserId, before: DeviceList | undefined, after: DeviceList): IndexEntry[] {
  const isClaimant = (deviceId: DeviceId) =>
    after.deviceKeys.has(deviceId) && claimsKeys(after.deviceStatus.get(deviceId));
  const present = Array.from(after.deviceKeys).filter(([deviceId]) => isClaimant(deviceId));
  const gone = Array.from(before?.deviceKeys.keys() ?? []).filter((deviceId) => !isClaimant(deviceId));
  return [
    ...present.map(([deviceId, device]): IndexEntry => [userId, deviceId, ...keysOf(device)]),
    ...gone.map((deviceId): IndexEntry => [userId, deviceId]),
  ];
}

/** Whether a device claims its keys: an unsigned one proves nothing, and would only keep others from being found. */
export const claimsKeys = (status: DeviceStatus | undefined): boolean => status !== undefined && isSigned(status);

const keysOf = (device: DeviceKeys): readonly (string | undefined)[] =>
  KEY_ALGORITHMS.map((algorithm) => comparableKey(device, algorithm));

/** The public key of this algorithm in an entry. */
export const keyIn = (entry: IndexEntry, algorithm: KeyAlgorithm): string | undefined =>
  entry[2 + KEY_ALGORITHMS.indexOf(algorithm)];
