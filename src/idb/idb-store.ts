import { defer, Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../store/device-store.js";
import { savedToken } from "../store/records.js";
import { connection } from "./use-database.js";

/** Records that are written at a time: each is copied before `put` returns, and thousands of them would hold the page up. */
const PUTS_AT_A_TIME = 100;

/**
 * A store in an IndexedDB database of its own, which all tabs of the origin share.
 *
 * Nothing is opened before the first subscription. An operation emits when its transaction is over, an update when what it wrote
 * is on the disk. It fails with a {@link StoreError} where the database does, and the next operation starts afresh; unsubscribing
 * before the end aborts the transaction, so that an operation which was given up does not take effect later.
 *
 * @param databaseName one for each account, such as `devices/@alice:example.org`, and nothing else's
 */
export function idbStore(databaseName: string): DeviceStore {
  const useStore = connection(databaseName);

  const operation = <T>(
    mode: IDBTransactionMode,
    run: (records: IDBObjectStore) => T | PromiseLike<T>,
  ): Observable<T> =>
    new Observable<T>((subscriber) => {
      const givenUp = new AbortController();
      useStore(givenUp.signal)(mode, run).then(
        (result) => {
          subscriber.next(result);
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
    clear: () =>
      operation("readwrite", (records) => {
        records.clear();
      }),
    read: (keys) => operation("readonly", (records) => answers(get(records, keys))),
    readKinds: (kinds) =>
      operation("readonly", async (records) => {
        const ids = kinds.map((kind) => records.getAllKeys(allOf(kind)));
        const saved = await answers(kinds.map((kind) => records.getAll(allOf(kind)) as IDBRequest<unknown[]>));
        return saved.map((values, i) => mapOf(ids[i]?.result ?? [], values));
      }),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>) =>
      operation("readwrite", async (records) => {
        // What is awaited goes on within the event of the request's answer: a transaction with nothing left to do commits.
        const { puts, deletes, result } = change(await answers(get(records, keys)));
        for (const [kind, id] of deletes) records.delete([kind, id]);
        for (let i = 0; i < puts.length; i += PUTS_AT_A_TIME)
          await answers(
            puts.slice(i, i + PUTS_AT_A_TIME).map(([[kind, id], record]) => records.put(record, [kind, id])),
          );
        return result;
      }),
  };
  return store;
}

const get = (records: IDBObjectStore, keys: readonly RecordKey[]): IDBRequest<unknown>[] =>
  keys.map(([kind, id]) => records.get([kind, id]));

/** Arrays sort after strings, so this holds every `[kind, id]` and nothing else. */
const allOf = (kind: string) => IDBKeyRange.bound([kind], [kind, []]);

/** The results, in the event in which the last of them comes: the requests of one transaction are answered in order. One that fails aborts it, and then nothing comes. */
function answers<T>(requests: readonly IDBRequest<T>[]): Promise<T[]> {
  return new Promise((resolve) => {
    const answered = () => {
      resolve(requests.map(({ result }) => result));
    };
    const last = requests.at(-1);
    if (last === undefined) answered();
    else last.onsuccess = answered;
  });
}

function mapOf(keys: readonly IDBValidKey[], values: readonly unknown[]): ReadonlyMap<string, unknown> {
  return new Map((keys as [kind: string, id: string][]).map(([, id], i) => [id, values[i]]));
}
