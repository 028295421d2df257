export { levelStore } from "./level-store.js";
export { LevelStoreError, type LevelStoreFailure } from "./level-store-error.js";
