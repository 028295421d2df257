import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { idbStore } from "../../src/idb/idb-store.js";
import { testContract } from "./test-contract.js";

testContract("idbStore on fake-indexeddb", () => {
  globalThis.indexedDB = new IDBFactory();
  globalThis.IDBKeyRange = IDBKeyRange;
  const name = crypto.randomUUID();
  return () => idbStore(name);
});
