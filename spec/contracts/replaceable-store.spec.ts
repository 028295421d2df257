import { memoryStore } from "../../src/store/memory-store.js";
import { ReplaceableStore } from "../../src/store/replaceable-store.js";
import { testContract } from "./test-contract.js";

testContract("ReplaceableStore", () => {
  const records = memoryStore();
  return () => {
    const store = new ReplaceableStore(memoryStore());
    store.replace(records);
    return store;
  };
});
