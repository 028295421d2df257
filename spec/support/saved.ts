import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";

/** The record under this key of a synchronous store. */
export function saved(store: DeviceStore, key: RecordKey): unknown {
  let record: unknown;
  store.read([key]).subscribe(([found]) => {
    record = found;
  });
  return record;
}

/** The IDs of the records of a kind. */
export function savedIds(store: DeviceStore, kind: string): readonly string[] {
  let ids: readonly string[] = [];
  store.readKinds([kind]).subscribe(([found]) => {
    ids = [...(found?.keys() ?? [])];
  });
  return ids;
}

/** Writes records to a synchronous store, unchecked. */
export function put(store: DeviceStore, ...puts: readonly (readonly [RecordKey, unknown])[]): void {
  store.update([], () => ({ puts, deletes: [], result: undefined })).subscribe();
}

export function storeWith(...puts: readonly (readonly [RecordKey, unknown])[]): DeviceStore {
  const store = memoryStore();
  put(store, ...puts);
  return store;
}

/** A store of its own with the same records of these kinds. */
export function copyOf(store: DeviceStore, kinds: readonly string[]): DeviceStore {
  const copy = memoryStore();
  store.readKinds(kinds).subscribe((all) => {
    all.forEach((records, i) =>
      put(copy, ...Array.from(records, ([id, record]) => [[kinds[i]!, id], record] as const)),
    );
  });
  return copy;
}
