import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { OWNER, STORE_FORMAT, type OwnerRecord } from "../../src/store/records.js";
import type { SavedRecords } from "../../src/store/saved-records.js";
import { transact } from "../../src/store/transact.js";
import { put } from "../support/saved.js";
import { ALICE } from "../support/users.js";

/** Alice, in the only life of her store. */
export const OWNED_BY_ALICE: OwnerRecord = { userId: ALICE, format: STORE_FORMAT, lifetime: "x" };

/** Alice's store with these records. It emits at once. */
export function storeOfAlice(...puts: readonly (readonly [RecordKey, unknown])[]): DeviceStore {
  const store = memoryStore();
  put(store, [OWNER, OWNED_BY_ALICE], ...puts);
  return store;
}

/** Runs a function over the records of Alice's store in one transaction, and returns its result. */
export function inStore<T>(
  store: DeviceStore,
  apply: (records: SavedRecords) => T,
  keys: readonly RecordKey[] = [],
): T {
  const results: T[] = [];
  transact(store, OWNED_BY_ALICE, keys, (records) => ({ result: apply(records) })).subscribe((result) => {
    if (result !== "cleared") results.push(result);
  });
  if (results.length === 0) throw new Error("the transaction has no result");
  return results[0] as T;
}
