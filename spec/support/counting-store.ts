import { defer, tap, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";

const name = ([kind, id]: RecordKey): string => `${kind}/${id}`;

/** The records that were read and written, such as `list/@bob:example.org`: one entry for each operation. */
export interface StoreLog {
  readonly reads: string[][];
  readonly writes: string[][];
}

/** A store that logs what it reads and writes. */
export function countingStore(log: StoreLog, store: DeviceStore = memoryStore()): DeviceStore {
  const read = (keys: readonly RecordKey[]) => log.reads.push(keys.map(name));
  return {
    syncToken$: store.syncToken$,
    commits$: store.commits$,
    clear: () => store.clear(),
    read: (keys) => store.read(keys).pipe(tap({ subscribe: () => read(keys) })),
    readKinds: (kinds) =>
      store.readKinds(kinds).pipe(tap({ subscribe: () => log.reads.push(kinds.map((kind) => `${kind}/*`)) })),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> =>
      defer(() => {
        read(keys);
        return store.update(keys, (saved) => {
          const update = change(saved);
          log.writes.push([...update.puts.map(([key]) => name(key)), ...update.deletes.map(name)]);
          return update;
        });
      }),
  };
}
