import { vi } from "vitest";

/** The connections that are opened from now on, the transactions that begin, how they end, and their requests that write. */
export function spyOnIndexedDB() {
  const databases: IDBDatabase[] = [];
  const transactions: IDBTransaction[] = [];
  const ends: string[] = [];
  /** The sizes of the groups of requests that were made without waiting for an answer; of `getAll`, how many records were requested. */
  const requests = { puts: [] as number[], gets: [] as number[], getAlls: [] as number[], deletes: 0 };
  /** What a test does at these moments. */
  const on = { put: () => {}, complete: () => {} };
  const open = indexedDB.open.bind(indexedDB);

  const watchStore = (store: IDBObjectStore) => {
    const put = store.put.bind(store);
    const get = store.get.bind(store);
    const getAll = store.getAll.bind(store);
    const remove = store.delete.bind(store);
    store.put = (...record) => {
      const request = inGroup(requests.puts, put(...record));
      on.put();
      return request;
    };
    store.get = (query) => inGroup(requests.gets, get(query));
    store.getAll = (...range) => {
      requests.getAlls.push(range[1] ?? Infinity);
      return getAll(...range);
    };
    store.delete = (query) => {
      requests.deletes++;
      return remove(query);
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

/** Counts the request in the last group, or in a new one if that has been answered. */
function inGroup<T extends IDBRequest>(groups: number[], request: T): T {
  const pending = pendingRequests.get(groups) ?? new Set();
  pendingRequests.set(groups, pending);
  if (pending.size === 0) groups.push(0);
  groups.push((groups.pop() ?? 0) + 1);
  pending.add(request);
  request.addEventListener("success", () => pending.delete(request));
  return request;
}
const pendingRequests = new WeakMap<number[], Set<IDBRequest>>();

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
