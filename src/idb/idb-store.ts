import { BehaviorSubject, defer, map, Observable } from "rxjs";
import { asleep } from "../page/tab-life.js";
import type { DeviceStore, RecordKey, Update } from "../store/device-store.js";
import { savedToken } from "../store/records.js";
import { Announcements } from "./announcements.js";
import { Database } from "./database.js";
import { deleteRecords, getKind, getRecords, putRecords } from "./requests.js";

/**
 * Creates a store in an IndexedDB database of its own, shared by all tabs of the origin.
 *
 * The database is opened at the first subscription. An operation emits when its transaction is complete; an update's
 * records are then on the disk. If the database fails, the operation fails with a {@link StoreError}, and the next
 * operation reopens it. Unsubscribing earlier aborts the transaction, so that an abandoned operation does not take
 * effect later.
 *
 * While the tab is frozen or in the back/forward cache, operations wait: a transaction would block all other tabs. When
 * it wakes, `commits$` emits `undefined`.
 *
 * Announcements reach other tabs through a `BroadcastChannel`; those of one tab arrive in order. If two tabs update the
 * store within milliseconds of each other, one may see its own announcement before the other's earlier one.
 *
 * @param databaseName one for each account, such as `devices/@alice:example.org`, that nothing else uses
 */
export function idbStore(databaseName: string): DeviceStore {
  const asleep$ = new BehaviorSubject(false);
  // For as long as the page lives: once a tab is asleep, it is too late to ask.
  asleep().subscribe((isAsleep) => asleep$.next(isAsleep));
  const database = new Database(databaseName, asleep$);
  const announcements = new Announcements(databaseName, asleep$);

  const operation = <T>(
    mode: IDBTransactionMode,
    work: (records: IDBObjectStore) => T | PromiseLike<T>,
    committed: (outcome: T) => void = () => {},
  ): Observable<T> =>
    new Observable<T>((subscriber) => {
      const givenUp = new AbortController();
      database.transaction(mode, work, givenUp.signal).then(
        (outcome) => {
          committed(outcome); // even if it was given up, too late to be aborted
          subscriber.next(outcome);
          subscriber.complete();
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
      return () => {
        givenUp.abort();
      };
    });

  const store: DeviceStore = {
    syncToken$: defer(() => savedToken(store)),
    commits$: announcements.commits$,
    clear: () =>
      operation("readwrite", (records) => {
        records.clear();
      }),
    read: (keys) => operation("readonly", (records) => getRecords(records, keys)),
    readKinds: (kinds) => operation("readonly", (records) => Promise.all(kinds.map((kind) => getKind(records, kind)))),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>) =>
      operation(
        "readwrite",
        async (records) => {
          const update = change(await getRecords(records, keys));
          await deleteRecords(records, update.deletes);
          await putRecords(records, update.puts);
          return update;
        },
        ({ announce }) => {
          if (announce !== undefined) announcements.send(announce);
        },
      ).pipe(map(({ result }) => result)),
  };
  return store;
}
