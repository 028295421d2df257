import { defer, of, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "./device-store.js";
import { savedToken } from "./records.js";

/** A store for one page load or one test: keeps everything in memory, emits synchronously. */
export function memoryStore(): DeviceStore {
  const kinds = new Map<string, Map<string, unknown>>();
  const get = ([kind, id]: RecordKey) => kinds.get(kind)?.get(id);

  const store: DeviceStore = {
    syncToken$: defer(() => savedToken(store)),
    clear: () =>
      defer(() => {
        kinds.clear();
        return of(undefined);
      }),
    read: (keys) => defer(() => of(keys.map(get))),
    readKinds: (wanted) => defer(() => of(wanted.map((kind) => new Map(kinds.get(kind))))),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> =>
      defer(() => {
        const { puts, deletes, result } = change(keys.map(get));
        for (const [kind, id] of deletes) kinds.get(kind)?.delete(id);
        for (const [[kind, id], record] of puts) {
          const records = kinds.get(kind);
          if (records === undefined) kinds.set(kind, new Map([[id, record]]));
          else records.set(id, record);
        }
        return of(result);
      }),
  };
  return store;
}
