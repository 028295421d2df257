import { DEVICES_PER_INDEX_RECORD } from "../model/batch-sizes.js";
import type { DeviceId, UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import { compactedIndexKey, indexKey, type SyncRecord } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { readIndex, toIndexRecord, type IndexEntry } from "./index-record.js";

/**
 * Folds the index records into as few as possible, without devices that are gone. Untracked users keep their entries:
 * their lists are still saved, and they may come back.
 */
export function compactIndex(records: SavedRecords, { snapshot, position }: SyncRecord): number {
  const compacted = Array.from({ length: snapshot.index }, (_, i) => compactedIndexKey(i));
  const appended = Array.from({ length: position - snapshot.position }, (_, i) => indexKey(snapshot.position + 1 + i));
  records.need([...compacted, ...appended]);
  const entries = new Map<UserId, Map<DeviceId, IndexEntry>>();
  for (const key of [...compacted, ...appended]) {
    for (const entry of readIndex(records.get(key)) ?? []) {
      const [userId, deviceId, ...keys] = entry;
      const devices = entries.get(userId) ?? new Map<DeviceId, IndexEntry>();
      entries.set(userId, devices);
      if (keys.length === 0) devices.delete(deviceId);
      else devices.set(deviceId, entry);
    }
  }
  const all = Array.from(entries.values()).flatMap((devices) => [...devices.values()]);
  const parts = inPartsOf(DEVICES_PER_INDEX_RECORD, all);
  parts.forEach((part, i) => {
    records.set(compactedIndexKey(i), toIndexRecord(part));
  });
  for (const key of [...compacted.slice(parts.length), ...appended.filter((one) => records.get(one) !== undefined)])
    records.set(key, undefined);
  return parts.length;
}
