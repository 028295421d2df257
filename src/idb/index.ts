export { idbStore } from "./idb-store.js";
