import { vi } from "vitest";

/** The connections that are opened from now on, the transactions that begin, how they end, and their requests that write. */
export function spyOnIndexedDB() {
  const databases: IDBDatabase[] = [];
  const transactions: IDBTransaction[] = [];
  const ends: string[] = [];
  const requests = { puts: 0, answeredPuts: 0, mostPutsAtOnce: 0, deletes: 0 };
  /** What a test does at these moments. */
  const on = { put: () => {}, complete: () => {} };
  const open = indexedDB.open.bind(indexedDB);

  const watchStore = (store: IDBObjectStore) => {
    const putRecord = store.put.bind(store);
    const deleteRecord = store.delete.bind(store);
    store.put = (...record) => {
      const request = putRecord(...record);
      request.addEventListener("success", () => requests.answeredPuts++);
      requests.puts++;
      requests.mostPutsAtOnce = Math.max(requests.mostPutsAtOnce, requests.puts - requests.answeredPuts);
      on.put();
      return request;
    };
    store.delete = (query) => {
      requests.deletes++;
      return deleteRecord(query);
    };
    return store;
  };
  const watch = (database: IDBDatabase) => {
    const begin = database.transaction.bind(database);
    database.transaction = (...args) => {
      const transaction = begin(...args);
      transactions.push(transaction);
      for (const end of ["complete", "abort"]) transaction.addEventListener(end, () => ends.push(end));
      transaction.addEventListener("complete", () => on.complete());
      const objectStore = transaction.objectStore.bind(transaction);
      transaction.objectStore = (name) => watchStore(objectStore(name));
      return transaction;
    };
    databases.push(database);
  };
  const opening = vi.spyOn(indexedDB, "open").mockImplementation((name, version) => {
    const request = open(name, version);
    request.addEventListener("success", () => {
      watch(request.result);
    });
    return request;
  });
  return { databases, transactions, ends, requests, on, open, opening, watch };
}

/** As another tab that needs the database for itself; rejects if a connection blocks it. */
export function settled<T>(request: IDBOpenDBRequest & IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error("failed", { cause: request.error }));
    };
    request.onblocked = () => {
      reject(new Error("blocked"));
    };
  });
}

export const deleteDatabase = (name: string) => settled(indexedDB.deleteDatabase(name));
