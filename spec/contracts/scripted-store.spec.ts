import { asyncScheduler } from "rxjs";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore, type ScriptedStoreOptions } from "../../src/testing/scripted-store.js";
import { testContract } from "./test-contract.js";

const tabs = (options: Partial<ScriptedStoreOptions>) => () => {
  const records = memoryStore();
  return () => new ScriptedStore({ scheduler: asyncScheduler, records, ...options });
};

testContract("ScriptedStore", tabs({}));
// Operations that take time need virtual time: by the real clock, timers of 1 ms and 2 ms may swap.
testContract("ScriptedStore with slow announcements", tabs({ announceAfter: 2 }));
