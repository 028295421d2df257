import { promisifyRequest } from "idb-keyval";
import { OWNER } from "../store/records.js";
import { StoreError, storeError } from "./store-error.js";
import { RECORDS } from "./transaction.js";

const VERSION = 1;

/**
 * Chromium reports this if it found the database corrupted and deleted it. The owner is then left unreadable, so that
 * the store counts as emptied, with lost pins, and not as a new one.
 */
interface ChromiumDataLoss {
  readonly dataLoss?: "none" | "total";
}

/** Opens a connection, and creates the database if it does not exist. Rejects with a {@link StoreError}. */
export async function openDatabase(name: string): Promise<IDBDatabase> {
  try {
    // A browser that is still clearing the site's data interrupts opening.
    return await opened(name).catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") return opened(name);
      throw error;
    });
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(name, error);
  }
}

async function opened(name: string): Promise<IDBDatabase> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory | null };
  if (!indexedDB) throw new StoreError(name, "unavailable");
  // No other connection can block this one, as there is no older version to upgrade from. A deletion in progress delays
  // it.
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = ({ dataLoss }: IDBVersionChangeEvent & ChromiumDataLoss) => {
    const records = request.result.createObjectStore(RECORDS);
    if (dataLoss === "total") records.put("lost by the browser", [...OWNER]);
  };
  return promisifyRequest(request);
}
