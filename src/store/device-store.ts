import type { Observable } from "rxjs";

/** A record's kind and its ID within the kind. A store accepts any kind; the tracker defines them (`records.ts`). */
export type RecordKey = readonly [kind: string, id: string];

export interface Update<T> {
  readonly puts: readonly (readonly [key: RecordKey, record: unknown])[];
  readonly deletes: readonly RecordKey[];
  readonly result: T;
  /**
   * Emitted by `commits$` to every subscriber, in this tab and others, once the update is durable.
   * Structured-cloneable. If `undefined`, nothing is announced. An update may announce something without writing
   * anything.
   */
  readonly announce?: unknown;
}

/**
 * Stores device lists as records by kind and ID. Values are structured-cloneable, and only the tracker interprets them.
 *
 * Every method returns a cold Observable: the operation runs for each subscription, emits one value and completes;
 * unsubscribing earlier may abort it. A store that answers at once emits synchronously. New features add kinds of
 * records, not methods.
 */
export interface DeviceStore {
  /**
   * Emits the saved sync token, from which the sync loop resumes, or `undefined` if none is saved. Reads it for each
   * subscription.
   */
  readonly syncToken$: Observable<string | undefined>;
  /**
   * Hot: emits what updates of this store announce, in this tab or another, in the order of the updates, and nothing
   * else. In the tab of the update, it emits before the update's own result. If two tabs update the store within the
   * time that a message takes, a tab may receive its own announcement before the other tab's earlier one.
   *
   * Emits `undefined` if announcements may have been lost, as in a tab that was frozen: compare the head. Never fails
   * and never completes.
   */
  readonly commits$: Observable<unknown>;
  /** Deletes everything, for all tabs: a log-out. Later updates see an empty store. */
  clear(): Observable<void>;
  /** Emits the records under these keys, in their order, as of one moment; `undefined` for each that does not exist. */
  read(keys: readonly RecordKey[]): Observable<readonly unknown[]>;
  /** Emits all records of these kinds as of one moment: for each kind, in order, a map from ID to record. */
  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]>;
  /**
   * Reads the records under these keys, passes them to a pure synchronous function, and writes what it returns, all or
   * nothing. If anything fails or the function throws, nothing is written and the Observable fails with that error.
   * Updates of all tabs run one after the other. A store may call the function more than once.
   */
  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T>;
}
