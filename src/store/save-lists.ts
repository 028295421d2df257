import type { DeviceList } from "../keys/device-list.js";
import type { UserId } from "../model/ids.js";
import { epochOf, savedUser, type SavedUser } from "./commit.js";
import type { RecordKey } from "./device-store.js";
import type { ListRecord } from "./list-record.js";
import { EPOCH, listKey, readState, stateKey, type StateRecord } from "./records.js";
import type { Revision } from "./revision.js";
import type { SavedRecords } from "./saved-records.js";

/** A list to save, and the revision that this tracker knew for its user when it sent the query. */
export interface ListToSave {
  readonly list: DeviceList;
  readonly revision: Revision;
}

/** The users whose list was refused, with what the store says of them; everybody else's was saved. */
export type Refused = ReadonlyMap<UserId, SavedUser | undefined>;

/** The records that {@link saveLists} works on. */
export const saveKeys = (lists: ReadonlyMap<UserId, ListToSave>): RecordKey[] => [EPOCH, ...Array.from(lists.keys(), stateKey)];

/**
 * Saves the result of a query: a compare-and-set for each user.
 *
 * The store's revision of the user must be exactly the one that this tracker knew when it sent the query. A greater one means that another tab applied a change
 * since: the answer may be older than that change. Updates of all tabs come one after the other, so no change can slip in between.
 * Steps that this tracker had applied but not yet committed come before the save in the same queue of writes.
 */
export function saveLists(records: SavedRecords, lists: ReadonlyMap<UserId, ListToSave>, ownUserId: UserId): Refused {
  const refused = new Map<UserId, SavedUser | undefined>();
  const epoch = epochOf(records); // undefined where it is damaged: nothing is saved until a restart has mended it
  for (const [userId, { list, revision }] of lists) {
    const record = records.get(stateKey(userId));
    const state = record === undefined && userId === ownUserId ? OWN_USER : record;
    const saved = savedUser(state, epoch);
    if (epoch === undefined || saved === undefined || saved.revision !== revision.committed) {
      refused.set(userId, saved);
      continue;
    }
    records.set(stateKey(userId), { revision: readState(state)?.revision ?? 0, listed: saved.revision } satisfies StateRecord);
    records.set(listKey(userId), { revision: saved.revision, list } satisfies ListRecord);
  }
  return refused;
}

/** Our own user is tracked from the start, before any record says so. */
export const OWN_USER: StateRecord = { revision: 0 };
