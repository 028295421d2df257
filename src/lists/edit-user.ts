import { defer, ignoreElements, tap, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Chain } from "../store/chain.js";
import type { Edit } from "../store/clone.js";
import { listKey } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { append, syncOf, type WriteBase } from "../store/transactions.js";
import { isNothing } from "../trust/pins.js";
import { listRecordIn, type ListRecord, type SavedList } from "./list-record.js";
import type { ListMemory } from "./list-memory.js";
import type { PendingEdits } from "./pending-edits.js";
import type { UnsavedPins } from "./unsaved-pins.js";
import type { UserEdit } from "./user-edits.js";

/** What memory has of users beside the store. */
export interface UsersInMemory {
  readonly memory: ListMemory;
  readonly unsaved: UnsavedPins;
  readonly pendingEdits: PendingEdits;
}

/** The edit to commit together with the change that makes the user outdated. */
export const editToCommit = (userId: UserId, edit: UserEdit): Edit => ({
  keys: [listKey(userId)],
  apply: (records, commit) => {
    editSaved(records, userId, edit, commit);
  },
});

/** Edits a user's saved records, then what memory has. The user's list stays current. Completes when durable. */
export function editUser(userId: UserId, edit: UserEdit, chain: Chain, inMemory: UsersInMemory): Observable<never> {
  return defer(() =>
    chain.write({
      keys: [listKey(userId)],
      prepare: () => (records, base) => {
        const edited = editSaved(records, userId, edit, base.head);
        if (edited !== undefined) logSave(records, base, userId, edited);
        return { result: undefined, announce: [{ type: "acknowledged", userId }] };
      },
    }),
  ).pipe(
    tap(() => {
      editMemory(userId, edit, inMemory, chain.tip);
    }),
    ignoreElements(),
  );
}

/**
 * Edits what memory has of a user and, until the edit is committed, what is read of them. Notifies watchers.
 * @param commit the number that its commit will have
 */
export function editBeforeCommit(
  userId: UserId,
  edit: UserEdit,
  inMemory: UsersInMemory,
  commit: number,
  committed$: Observable<unknown>,
): void {
  inMemory.pendingEdits.add(userId, edit, commit, committed$);
  editMemory(userId, edit, inMemory, commit);
}

function editMemory(userId: UserId, edit: UserEdit, { memory, unsaved }: UsersInMemory, commit: number): void {
  unsaved.edit(userId, (pins) => edit.pins(pins, commit)); // otherwise, the next save would restore what it forgets
  const cached = memory.last(userId);
  if (cached === undefined) return;
  const { list, revision, beside } = cached;
  const pins = beside.pins && edit.pins(beside.pins, commit);
  memory.edit(userId, edit.list?.(list, pins) ?? list, revision, { ...beside, pins });
}

/** @returns the saved list, if it has changed */
function editSaved(records: SavedRecords, userId: UserId, edit: UserEdit, commit: number): SavedList | undefined {
  const { pins: before, saved } = listRecordIn(records, userId);
  const pins = edit.pins(before, commit);
  const list = saved && (edit.list?.(saved.list, pins) ?? saved.list);
  const record: ListRecord = { pins, ...(saved !== undefined && list !== undefined && { saved: { ...saved, list } }) };
  records.set(listKey(userId), saved === undefined && isNothing(pins) ? undefined : record);
  return list === saved?.list ? undefined : saved;
}

/** Also in the log: a tab that misses the announcement reads there that its list is no longer the saved one. */
function logSave(records: SavedRecords, base: WriteBase, userId: UserId, { revision }: SavedList): void {
  const sync = syncOf(records, base);
  if (sync !== undefined) append(records, sync, { type: "save", by: base.by, lists: [[userId, revision]] });
}
