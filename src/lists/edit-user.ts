import { defer, ignoreElements, tap, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Chain } from "../store/chain.js";
import { listKey } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { append, syncOf, type WriteBase } from "../store/transactions.js";
import type { DeviceList } from "../trust/device-list.js";
import { isNothing, type Pins } from "../trust/pins.js";
import { listRecordIn, type ListRecord } from "./list-record.js";
import type { ListMemory } from "./list-memory.js";
import type { UnsavedPins } from "./unsaved-pins.js";

/** What a person's word changes of what is known of a user. */
export interface UserEdit {
  readonly pins: (pins: Pins) => Pins;
  /** Of the last list, saved or in memory. */
  readonly list?: (list: DeviceList) => DeviceList;
}

/** What is edited: the store through the chain, and what memory has beside it. */
export interface EditPorts {
  readonly chain: Chain;
  readonly memory: ListMemory;
  readonly unsaved: UnsavedPins;
}

/** Changes what is known of a user, in the store and in memory. Completes when that is durable. */
export function editUser(userId: UserId, edit: UserEdit, { chain, memory, unsaved }: EditPorts): Observable<never> {
  return defer(() =>
    chain.write({
      keys: [listKey(userId)],
      prepare: () => (records, base) => ({
        result: editSaved(records, base, userId, edit),
        announce: [{ type: "acknowledged", userId }],
      }),
    }),
  ).pipe(
    tap((pins) => {
      unsaved.edit(userId, edit.pins); // or the next save would bring back what it forgets
      const cached = memory.last(userId);
      if (cached === undefined) return;
      const { list, revision, beside } = cached;
      memory.replace(userId, edit.list?.(list) ?? list, revision, { ...beside, pins });
    }),
    ignoreElements(),
  );
}

/** @returns the user's pins */
function editSaved(records: SavedRecords, base: WriteBase, userId: UserId, edit: UserEdit): Pins {
  const { pins: before, saved } = listRecordIn(records, userId);
  const pins = edit.pins(before);
  const list = saved && (edit.list?.(saved.list) ?? saved.list);
  const record: ListRecord = { pins, ...(saved !== undefined && list !== undefined && { saved: { ...saved, list } }) };
  records.set(listKey(userId), saved === undefined && isNothing(pins) ? undefined : record);
  // In the log too: a tab that misses the announcement reads there that its list is not the saved one any more.
  const sync = list === saved?.list ? undefined : syncOf(records, base);
  if (saved !== undefined && sync !== undefined)
    append(records, sync, { type: "save", by: base.by, lists: [[userId, saved.revision]] });
  return pins;
}
