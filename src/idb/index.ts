export { idbStore } from "./idb-store.js";
export { StoreError, type StoreFailure } from "./store-error.js";
