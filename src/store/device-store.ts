import type { Observable } from "rxjs";

/** A record's kind and its ID within the kind. What kinds there are, the tracker knows (`records.ts`); a store keeps any. */
export type RecordKey = readonly [kind: string, id: string];

/** What an update writes, and what it tells its caller. */
export interface Update<T> {
  readonly puts: readonly (readonly [key: RecordKey, record: unknown])[];
  readonly deletes: readonly RecordKey[];
  readonly result: T;
}

/**
 * Where device lists live: records by kind and ID, whose values are structured-cloneable and belong to the tracker.
 *
 * Every method gives a cold observable: the operation runs at each subscription, emits one value and completes; unsubscribing
 * before that may abort it. A store that answers at once emits synchronously. Features add kinds of records, not methods.
 */
export interface DeviceStore {
  /** The saved sync token: where the sync loop goes on. Read at each subscription; `undefined` where none is saved. */
  readonly syncToken$: Observable<string | undefined>;
  /** Log-out: forgets everything, in every tab; a write still on its way brings nothing back. */
  clear(): Observable<void>;
  /** The records under these keys as of one moment, in the order of the keys; `undefined` where there is none. */
  read(keys: readonly RecordKey[]): Observable<readonly unknown[]>;
  /** All records of these kinds as of one moment: for each kind, in the order of the kinds, a map from ID to record. */
  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]>;
  /**
   * Reads the records under these keys, hands them to a pure synchronous function and writes what it returns: all of it or,
   * where anything fails or the function throws, nothing (and the observable fails with that error). Updates of all tabs come one after the other.
   */
  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T>;
}
