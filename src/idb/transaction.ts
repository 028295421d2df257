import { storeError } from "./store-error.js";

export const RECORDS = "records";

/** Aborts the transaction if it is not over. How the transaction ends shows whether it was in time. */
export function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It is over.
  }
}

/**
 * Runs `work` in the transaction, and resolves with its result when the transaction is complete.
 *
 * If `work` throws or rejects, the transaction is aborted within the same event, before it can commit the requests made
 * so far.
 */
export async function ended<T>(
  databaseName: string,
  transaction: IDBTransaction,
  work: (records: IDBObjectStore) => T | PromiseLike<T>,
): Promise<T> {
  // Not idb-keyval's promisifyRequest: the error of a failed request bubbles to the transaction while transaction.error
  // is still null.
  const completed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(storeError(databaseName, transaction.error));
    };
  });
  const worked = new Promise<T>((resolve) => {
    resolve(work(transaction.objectStore(RECORDS)));
  });
  try {
    const [result] = await Promise.all([worked, completed]);
    return result;
  } catch (error) {
    abort(transaction);
    throw error;
  }
}
