import { asyncScheduler } from "rxjs";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore, type ScriptedStoreOptions } from "../../src/testing/scripted-store.js";
import { testContract } from "./test-contract.js";

const tabs = (options: Partial<ScriptedStoreOptions>) => () => {
  const records = memoryStore();
  return () => new ScriptedStore({ scheduler: asyncScheduler, records, ...options });
};

testContract("ScriptedStore", tabs({}));
testContract("ScriptedStore with delays", tabs({ takes: 1, announceAfter: 2 }));
