import { saveKeys, saveLists, type ListToSave, type SaveOutcome } from "../../src/lists/save-lists.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { NO_SYNC, SYNC } from "../../src/store/records.js";
import type { Base } from "../../src/store/transactions.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { inStore, storeOfAlice } from "../store/in-store.js";
import { ALICE, BOB } from "../support/users.js";

/** Where a tracker stands that has followed four commits. */
export const HEAD_4: Base = { head: 4, position: 4 };
/** A revision of a user whom the fourth commit changed. */
const REVISION_4 = { number: 4 };

/** Alice's store after four commits, whose log is folded. */
export const storeOnHead4 = (...records: readonly (readonly [RecordKey, unknown])[]): DeviceStore =>
  storeOfAlice(
    [SYNC, { head: 4, position: 4, snapshot: { ...NO_SYNC.snapshot, position: 4, head: 4, oldest: 5 } }],
    ...records,
  );

/** A list of an answer that is to be saved at revision 4, unless it says otherwise. */
export const toSave = (list: DeviceList, changes: Partial<ListToSave> = {}): ListToSave => ({
  list,
  revision: REVISION_4,
  forced: false,
  refusesUnsigned: false,
  ...changes,
});

export const saveAll = (
  store: DeviceStore,
  lists: ReadonlyMap<UserId, ListToSave>,
  { base = HEAD_4, ownMasterKey }: { readonly base?: Base; readonly ownMasterKey?: string | undefined } = {},
): ReadonlyMap<UserId, SaveOutcome> =>
  inStore(
    store,
    (records) => saveLists(records, { ...base, by: "other" }, lists, { ownUserId: ALICE, ownMasterKey }),
    saveKeys(lists.keys()),
  );

/** Saves a list of Bob's. */
export function saveBob(store: DeviceStore, list: DeviceList, changes: Partial<ListToSave> = {}): SaveOutcome {
  const outcome = saveAll(store, new Map([[BOB, toSave(list, changes)]])).get(BOB);
  if (outcome === undefined) throw new Error("the save has no outcome");
  return outcome;
}
