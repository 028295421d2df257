import { defer, mergeMap, of, take, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "./device-store.js";
import { OWNER, readOwner, SYNC, type OwnerRecord } from "./records.js";
import { RecordsMissing, SavedRecords } from "./saved-records.js";

export interface Transacted<T> {
  readonly result: T;
  readonly announce?: unknown;
}

/** The store is in another life: it was cleared, in this tab or another. */
export const CLEARED = "cleared";
export type Cleared = typeof CLEARED;

/**
 * Runs a pure function over some records, including the owner's and the head, in one transaction.
 *
 * It first checks that the store is still in the life in which it was loaded: after `clear()`, nothing is written. If
 * the function needs records that it did not name, nothing is written and it runs again with them.
 */
export function transact<T>(
  store: DeviceStore,
  owner: OwnerRecord,
  wanted: readonly RecordKey[],
  apply: (records: SavedRecords) => Transacted<T>,
): Observable<T | Cleared> {
  const keys = distinct([OWNER, SYNC, ...wanted]);
  const change = (saved: readonly unknown[]): Update<{ readonly done: T } | RecordsMissing | Cleared> => {
    if (readOwner(saved[0])?.lifetime !== owner.lifetime) return { puts: [], deletes: [], result: CLEARED };
    const records = new SavedRecords(keys, saved);
    try {
      const { result, announce } = apply(records);
      return { ...records.update({ done: result }), ...(announce !== undefined && { announce }) };
    } catch (error) {
      if (error instanceof RecordsMissing) return { puts: [], deletes: [], result: error };
      throw error;
    }
  };
  return defer(() => store.update(keys, change)).pipe(
    take(1),
    mergeMap((outcome): Observable<T | Cleared> => {
      if (outcome === CLEARED) return of(CLEARED);
      return outcome instanceof RecordsMissing
        ? transact(store, owner, [...keys, ...outcome.keys], apply)
        : of(outcome.done);
    }),
  );
}

function distinct(keys: readonly RecordKey[]): readonly RecordKey[] {
  const seen = new Map<string, Set<string>>();
  return keys.filter(([kind, id]) => {
    const ids = seen.get(kind);
    if (ids === undefined) seen.set(kind, new Set([id]));
    else if (ids.has(id)) return false;
    else ids.add(id);
    return true;
  });
}
