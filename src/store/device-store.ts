import type { Observable } from "rxjs";

/** A record's kind and its ID within the kind. A store keeps any kind; the tracker defines them (`records.ts`). */
export type RecordKey = readonly [kind: string, id: string];

/** What an update writes, returns and announces. */
export interface Update<T> {
  readonly puts: readonly (readonly [key: RecordKey, record: unknown])[];
  readonly deletes: readonly RecordKey[];
  readonly result: T;
  /**
   * Emitted by `commits$` to every subscriber, in this tab and others, once the update is durable.
   * Structured-cloneable. Absent or `undefined`: nothing is announced. An update may announce something without writing
   * anything.
   */
  readonly announce?: unknown;
}

/**
 * Where device lists live: records by kind and ID, whose values are structured-cloneable and belong to the tracker.
 *
 * Every method returns a cold observable: the operation runs at each subscription, emits one value and completes;
 * unsubscribing before that may abort it. A store that answers at once emits synchronously. Features add kinds of
 * records, not methods.
 */
export interface DeviceStore {
  /**
   * The saved sync token, from which the sync loop resumes. Read at each subscription; `undefined` if none is saved.
   */
  readonly syncToken$: Observable<string | undefined>;
  /**
   * Hot: what updates of this store announce, in this tab or another, in the order of the updates; never invented. In
   * the tab of the update it emits before the update's own result does. Only when two tabs update the store within the
   * time that a message takes, a tab may receive its own announcement before the other tab's earlier one. Emits
   * `undefined` if announcements may have been lost, as in a tab that was frozen: compare the head. Never fails, never
   * completes.
   */
  readonly commits$: Observable<unknown>;
  /** Log-out: deletes everything, for all tabs. An update that runs later sees an empty store. */
  clear(): Observable<void>;
  /**
   * The records under these keys as of one moment, in the order of the keys; `undefined` for each that does not exist.
   */
  read(keys: readonly RecordKey[]): Observable<readonly unknown[]>;
  /** All records of these kinds as of one moment: a map from ID to record for each kind, in the order of the kinds. */
  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]>;
  /**
   * Reads the records under these keys, passes them to a pure synchronous function and writes what it returns, all or
   * nothing: if anything fails or the function throws, nothing is written and the observable fails with that error.
   * Updates of all tabs run one after the other. A store may call the function more than once.
   */
  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T>;
}
