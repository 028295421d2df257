import { decode } from "../../src/encoding/text.js";

/** The result of a request made without the store, as another tab would; rejects if a connection blocks it. */
function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error("failed", { cause: request.error }));
    };
    if (request instanceof IDBOpenDBRequest) {
      request.onblocked = () => {
        reject(new Error("blocked"));
      };
    }
  });
}

export const deleteDatabase = (name: string) => settled(indexedDB.deleteDatabase(name));

/** Opens a connection, and upgrades the database if the version is a new one. */
export function openDatabase(
  name: string,
  version?: number,
  upgrade: (database: IDBDatabase) => void = () => {},
): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    upgrade(request.result);
  };
  return settled(request);
}

/** Works on the records in one transaction. */
async function work<T>(
  name: string,
  mode: IDBTransactionMode,
  run: (records: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(name);
  try {
    const transaction = database.transaction("records", mode);
    const over = new Promise((resolve) => (transaction.oncomplete = resolve));
    const result = await run(transaction.objectStore("records"));
    await over; // until then, the connection blocks others even when it is closed
    return result;
  } finally {
    database.close();
  }
}

/** Every record by its key, as the store reads it. */
export const allRecords = (name: string): Promise<ReadonlyMap<string, unknown>> =>
  work(name, "readonly", async (records) => {
    const [keys, values] = await Promise.all([
      settled(records.getAllKeys()),
      settled(records.getAll() as IDBRequest<unknown[]>),
    ]);
    return new Map(keys.map((key, i) => [(key as string[]).join("/"), decode(values[i])]));
  });

/** Writes a record without checking it; `undefined` deletes it. */
export const overwrite = (name: string, key: readonly [kind: string, id: string], record: unknown): Promise<void> =>
  work(name, "readwrite", async (records) => {
    await (record === undefined ? settled(records.delete([...key])) : settled(records.put(record, [...key])));
  });

/** Keeps other transactions waiting until the returned function is called. */
export async function holdDatabase(name: string): Promise<() => Promise<void>> {
  let isHeld = true;
  let held: Promise<void> = Promise.resolve();
  await new Promise<void>((begun) => {
    held = work(name, "readwrite", async (records) => {
      while (isHeld) {
        await settled(records.count());
        begun();
      }
    });
  });
  return () => {
    isHeld = false;
    return held;
  };
}
