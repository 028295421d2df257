import type { UserId } from "../model/ids.js";
import type { RecordKey } from "../store/device-store.js";
import { listKey, OWN_IDENTITY } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { append, syncOf, type WriteBase } from "../store/transactions.js";
import type { DeviceList } from "../trust/device-list.js";
import { acknowledged } from "../trust/identity.js";
import { repinMasterKey } from "../trust/pins.js";
import { listRecordIn, type ListRecord } from "./list-record.js";
import { setOwnIdentity } from "./save-lists.js";

/** The records that {@link acknowledge} works on. */
export const acknowledgeKeys = (userId: UserId): RecordKey[] => [OWN_IDENTITY, listKey(userId)];

/**
 * The list as it is saved now, if there is one and it has the acknowledged key; or, if nothing was written, the master
 * key that the list has instead.
 */
export type Acknowledged =
  { readonly list: DeviceList | undefined } | { readonly masterKey: string | undefined } | "nothing-to-do";

/** What is acknowledged. */
export interface Acknowledgement {
  readonly userId: UserId;
  readonly masterKey: string | undefined;
  readonly ownUserId: UserId;
  /** Whether it is our own identity, and a person has confirmed it: then it counts whatever key the list has. */
  readonly confirms: boolean;
  /** In ms since the epoch. */
  readonly at: number;
  /** The user's list in memory: it may be newer than the saved one if that could not be saved. */
  readonly inMemory: DeviceList | undefined;
  /** The saved list of an untracked user may be older than what was shown to a person. */
  readonly isTracked: boolean;
}

/**
 * Pins this master key instead of the one first seen, in the saved list too, provided that it is the one that the list
 * has.
 */
export function acknowledge(
  records: SavedRecords,
  base: WriteBase,
  { userId, masterKey, ownUserId, confirms, at, inMemory, isTracked }: Acknowledgement,
): Acknowledged {
  const key = listKey(userId);
  const record = listRecordIn(records, userId);
  const { saved } = record;
  const isUnsaved =
    saved !== undefined &&
    inMemory !== undefined &&
    inMemory.identity.masterKey === masterKey &&
    inMemory.fetchedAt > saved.list.fetchedAt;
  const mayHaveChanged = !confirms && isTracked;
  if (mayHaveChanged && saved !== undefined && !isUnsaved && saved.list.identity.masterKey !== masterKey)
    return { masterKey: saved.list.identity.masterKey };
  if (mayHaveChanged && saved === undefined && inMemory !== undefined && inMemory.identity.masterKey !== masterKey)
    return { masterKey: inMemory.identity.masterKey };
  const pins = repinMasterKey(record.pins, masterKey, confirms ? "verified" : "acknowledged", at);
  const isConfirmed = confirms && pins === record.pins;
  if (isConfirmed && (saved?.list.identity.confirmed === true || saved?.list.identity.masterKey !== masterKey))
    return "nothing-to-do";
  if (saved === undefined) {
    records.set(key, { pins } satisfies ListRecord);
    if (userId === ownUserId) setOwnIdentity(records, undefined); // it belongs to no list
    return { list: undefined };
  }
  // A list older than what was acknowledged gets the pin as well: its own master key is not the pinned one any more.
  const list: DeviceList = { ...saved.list, identity: acknowledged(saved.list.identity, masterKey, confirms) };
  records.set(key, { pins, saved: { ...saved, list } } satisfies ListRecord);
  if (userId === ownUserId) setOwnIdentity(records, list);
  // In the log too: a tab that misses the announcement, such as a frozen one, reads there that its list is not the
  // saved one any more.
  const sync = syncOf(records, base);
  if (sync !== undefined) append(records, sync, { type: "save", by: base.by, lists: [[userId, saved.revision]] });
  return { list: isUnsaved ? undefined : list };
}
