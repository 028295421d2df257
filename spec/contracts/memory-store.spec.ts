import { memoryStore } from "../../src/store/memory-store.js";
import { testContract } from "./test-contract.js";

testContract("memoryStore", () => {
  const store = memoryStore();
  return () => store;
});
