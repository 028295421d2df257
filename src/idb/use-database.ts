import { promisifyRequest, type UseStore } from "idb-keyval";
import { StoreError, storeError } from "./store-error.js";

const VERSION = 1;
const RECORDS = "records";

/**
 * "strict" writes through to the disk. "relaxed", the browsers' default, leaves that to the operating system, and after a power
 * failure nothing says that what is missing is the end: a later transaction, with the sync token, may be there when an earlier one,
 * with an invalidation which that token covers, is not. It costs a flush for each step and each answer, not for each record.
 */
const DURABILITY: IDBTransactionOptions = { durability: "strict" };

/**
 * Gives an idb-keyval store function for each operation: it runs the callback in one transaction, and its promise is settled
 * when that transaction is. The signal gives the operation up: one that has not begun never does, one under way is aborted.
 *
 * The operations share one connection, which is opened for the first of them, and whose end is none of their business:
 *
 * - Another tab wants to delete or upgrade the database (`versionchange`): ours closes at once, so as not to block it.
 * - The browser closes the connection (`close`, or no event at all and an InvalidStateError at the next transaction).
 * - Opening fails, or takes so long that an operation which waits for it is given up.
 *
 * Each time, the connection is forgotten and the next operation opens another.
 */
export function connection(databaseName: string): (signal: AbortSignal) => UseStore {
  let current: Promise<IDBDatabase> | undefined;
  let answered = false;

  const forget = (opening: Promise<IDBDatabase>) => {
    if (current === opening) current = undefined;
  };

  function connect(): Promise<IDBDatabase> {
    if (current !== undefined) return current;
    const opening = open(databaseName).then(
      (database) => {
        const drop = () => {
          forget(opening);
          database.close();
        };
        database.onclose = drop;
        database.onversionchange = drop;
        // Safari, having lost its storage process, fails every transaction of the connection this way until the page is reloaded.
        database.onabort = ({ target }) => {
          if ((target as IDBTransaction).error?.name === "UnknownError") drop();
        };
        // Given up and late: still good where no other took its place; else those who wait for this one find it closed and take the other.
        current ??= opening;
        if (current === opening) answered = true;
        else database.close();
        return database;
      },
      (error: unknown) => {
        forget(opening);
        throw error;
      },
    );
    current = opening;
    answered = false;
    return opening;
  }

  return (signal) => async (mode, callback) => {
    for (let attempt = 1; ; attempt++) {
      const opening = connect();
      const giveUp = () => {
        if (!answered) forget(opening);
      };
      signal.addEventListener("abort", giveUp);
      const database = await opening.finally(() => {
        signal.removeEventListener("abort", giveUp);
      });
      signal.throwIfAborted();

      let transaction: IDBTransaction;
      try {
        transaction = database.transaction(RECORDS, mode, DURABILITY);
      } catch (error) {
        forget(opening);
        database.close();
        if (attempt === 2) throw storeError(databaseName, error);
        continue;
      }
      return await perform(databaseName, transaction, callback, signal);
    }
  };
}

async function open(databaseName: string): Promise<IDBDatabase> {
  try {
    const { indexedDB } = globalThis as { indexedDB?: IDBFactory | null };
    if (!indexedDB) throw new StoreError(databaseName, "unavailable");
    // Nobody else's connection can block this: there is nothing to upgrade. Where a deletion is under way it waits for that.
    const request = indexedDB.open(databaseName, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDS);
    };
    return await promisifyRequest(request);
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(databaseName, error);
  }
}

/**
 * Runs the callback in the transaction. What the callback throws, or rejects with, undoes everything and is what the operation fails
 * with: the abort comes within the same event, long before the transaction could commit what the callback had asked for until then.
 */
async function perform<T>(
  databaseName: string,
  transaction: IDBTransaction,
  callback: (records: IDBObjectStore) => T | PromiseLike<T>,
  signal: AbortSignal,
): Promise<T> {
  const abort = () => {
    try {
      transaction.abort();
    } catch {
      // It is over, one way or the other.
    }
  };
  signal.addEventListener("abort", abort);
  // Not promisifyRequest: a request that fails bubbles to the transaction as an error while transaction.error is still null.
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(storeError(databaseName, transaction.error));
    };
  });
  try {
    const called = new Promise<T>((resolve) => {
      resolve(callback(transaction.objectStore(RECORDS)));
    });
    const [result] = await Promise.all([called, committed]);
    return result;
  } catch (error) {
    abort();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
