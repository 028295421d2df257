import { defer, ignoreElements, tap, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Chain } from "../store/chain.js";
import type { Edit } from "../store/clone.js";
import { listKey } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { append, syncOf, type WriteBase } from "../store/transactions.js";
import type { DeviceList } from "../trust/device-list.js";
import { isNothing, type Pins } from "../trust/pins.js";
import { listRecordIn, type ListRecord, type SavedList } from "./list-record.js";
import type { ListMemory } from "./list-memory.js";
import type { UnsavedPins } from "./unsaved-pins.js";

/** What a person's word changes of what is known of a user. */
export interface UserEdit {
  readonly pins: (pins: Pins) => Pins;
  /** Of the last list, saved or in memory. */
  readonly list?: (list: DeviceList) => DeviceList;
}

/** What memory has of users beside the store. */
export interface UsersInMemory {
  readonly memory: ListMemory;
  readonly unsaved: UnsavedPins;
}

/** The edit as it is committed, together with the change that makes the user outdated. */
export const editToCommit = (userId: UserId, edit: UserEdit): Edit => ({
  keys: [listKey(userId)],
  apply: (records) => {
    editSaved(records, userId, edit);
  },
});

/**
 * Changes what is saved of a user, and then what memory has: the list is what it was, and stays current. Completes when
 * that is durable.
 */
export function editUser(userId: UserId, edit: UserEdit, chain: Chain, inMemory: UsersInMemory): Observable<never> {
  return defer(() =>
    chain.write({
      keys: [listKey(userId)],
      prepare: () => (records, base) => {
        const edited = editSaved(records, userId, edit);
        if (edited !== undefined) logSave(records, base, userId, edited);
        return { result: undefined, announce: [{ type: "acknowledged", userId }] };
      },
    }),
  ).pipe(
    tap(() => {
      inMemory.unsaved.edit(userId, edit.pins); // or the next save would bring back what it forgets
      editList(userId, edit, inMemory.memory);
    }),
    ignoreElements(),
  );
}

/** Changes what memory has of a user, before the edit is committed, and notifies watchers. */
export function editInMemory(
  userId: UserId,
  edit: UserEdit,
  { memory, unsaved }: UsersInMemory,
  committed$: Observable<unknown>,
): void {
  unsaved.editUntil(committed$, userId, edit.pins);
  editList(userId, edit, memory);
}

function editList(userId: UserId, edit: UserEdit, memory: ListMemory): void {
  const cached = memory.last(userId);
  if (cached === undefined) return;
  const { list, revision, beside } = cached;
  const pins = beside.pins && edit.pins(beside.pins);
  memory.replace(userId, edit.list?.(list) ?? list, revision, { ...beside, pins });
}

/** @returns the list that was saved, if it is another one now */
function editSaved(records: SavedRecords, userId: UserId, edit: UserEdit): SavedList | undefined {
  const { pins: before, saved } = listRecordIn(records, userId);
  const pins = edit.pins(before);
  const list = saved && (edit.list?.(saved.list) ?? saved.list);
  const record: ListRecord = { pins, ...(saved !== undefined && list !== undefined && { saved: { ...saved, list } }) };
  records.set(listKey(userId), saved === undefined && isNothing(pins) ? undefined : record);
  return list === saved?.list ? undefined : saved;
}

/** In the log too: a tab that misses the announcement reads there that its list is not the saved one any more. */
function logSave(records: SavedRecords, base: WriteBase, userId: UserId, { revision }: SavedList): void {
  const sync = syncOf(records, base);
  if (sync !== undefined) append(records, sync, { type: "save", by: base.by, lists: [[userId, revision]] });
}
