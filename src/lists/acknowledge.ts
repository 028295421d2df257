import type { DeviceList } from "../trust/device-list.js";
import { pinsOf, readPins, type Pins } from "../trust/pins.js";
import type { UserId } from "../model/ids.js";
import type { RecordKey } from "../store/device-store.js";
import { readListRecord, type ListRecord } from "./list-record.js";
import { listKey, OWN_IDENTITY, pinsKey } from "../store/records.js";
import { setOwnIdentity } from "./save-lists.js";
import type { SavedRecords } from "../store/saved-records.js";

/** The records that {@link acknowledge} works on. */
export const acknowledgeKeys = (userId: UserId): RecordKey[] => [OWN_IDENTITY, listKey(userId), pinsKey(userId)];

/** What became of an acknowledgement: where the user's list has another master key by now, that one. */
export type Acknowledged = { readonly list: DeviceList | undefined } | { readonly masterKey: string | undefined };

/** What is acknowledged. */
export interface Acknowledgement {
  readonly userId: UserId;
  readonly masterKey: string;
  readonly ownUserId: UserId;
  /** The user's list in memory: it may be newer than the saved one, where that could not be saved. */
  readonly inMemory: DeviceList | undefined;
}

/** Pins this master key in the place of the first one, in the list, too, provided that it is the one which the list has. */
export function acknowledge(
  records: SavedRecords,
  { userId, masterKey, ownUserId, inMemory }: Acknowledgement,
): Acknowledged {
  const saved = readListRecord(records.get(listKey(userId)), userId);
  const isUnsaved =
    saved !== undefined && inMemory?.identity.masterKey === masterKey && inMemory.fetchedAt > saved.list.fetchedAt;
  if (saved !== undefined && !isUnsaved && saved.list.identity.masterKey !== masterKey)
    return { masterKey: saved.list.identity.masterKey };
  const pins: Pins = { ...(readPins(records.get(pinsKey(userId))) ?? pinsOf(saved?.list)), masterKey };
  records.set(pinsKey(userId), pins);
  if (saved === undefined) {
    if (userId === ownUserId) records.set(OWN_IDENTITY, undefined); // whoever's it was, it belongs to no list
    return { list: undefined };
  }
  // Also in one that is older than what was acknowledged: its master key is not the pinned one any more.
  const list: DeviceList = { ...saved.list, identity: { ...saved.list.identity, pinnedMasterKey: masterKey } };
  records.set(listKey(userId), { ...saved, list } satisfies ListRecord);
  if (userId === ownUserId) setOwnIdentity(records, list);
  return { list: isUnsaved ? undefined : list };
}
