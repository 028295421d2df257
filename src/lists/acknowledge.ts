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

export const acknowledgeKeys = (userId: UserId): RecordKey[] => [OWN_IDENTITY, listKey(userId)];

/**
 * The saved list, if there is one and it has the acknowledged key; or, if nothing was written, the list's actual master
 * key.
 */
export type Acknowledged =
  { readonly list: DeviceList | undefined } | { readonly masterKey: string | undefined } | "nothing-to-do";

export interface Acknowledgement {
  readonly userId: UserId;
  readonly masterKey: string | undefined;
  readonly ownUserId: UserId;
  /** True if it is our own identity and a person has confirmed it: it then counts whatever key the list has. */
  readonly confirms: boolean;
  /** In ms since the epoch. */
  readonly at: number;
  /** The user's list in memory: newer than the saved one if it could not be saved. */
  readonly inMemory: DeviceList | undefined;
  /** An untracked user's saved list may be older than what was shown to a person. */
  readonly isTracked: boolean;
}

/** Replaces the pinned master key, in the saved list too, if the list has this master key. */
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
  // A list older than what was acknowledged is pinned as well: its own master key is no longer the pinned one.
  const list: DeviceList = { ...saved.list, identity: acknowledged(saved.list.identity, masterKey, confirms) };
  records.set(key, { pins, saved: { ...saved, list } } satisfies ListRecord);
  if (userId === ownUserId) setOwnIdentity(records, list);
  // Also in the log: a tab that misses the announcement, such as a frozen one, reads there that its list is no longer
  // the saved one.
  const sync = syncOf(records, base);
  if (sync !== undefined) append(records, sync, { type: "save", by: base.by, lists: [[userId, saved.revision]] });
  return { list: isUnsaved ? undefined : list };
}
