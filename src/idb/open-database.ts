import { promisifyRequest } from "idb-keyval";
import { StoreError, storeError } from "./store-error.js";
import { RECORDS } from "./transaction.js";

const VERSION = 1;

/** Opens a connection, and creates the database if it does not exist. Rejects with a {@link StoreError}. */
export async function openDatabase(name: string): Promise<IDBDatabase> {
  try {
    const { indexedDB } = globalThis as { indexedDB?: IDBFactory | null };
    if (!indexedDB) throw new StoreError(name, "unavailable");
    // No other connection can block this one, as there is no older version to upgrade from. A deletion under way delays
    // it.
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDS);
    };
    return await promisifyRequest(request);
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(name, error);
  }
}
