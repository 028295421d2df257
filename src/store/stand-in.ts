import type { UserId } from "../model/ids.js";
import { emptyClone } from "./clone.js";
import type { DeviceStore } from "./device-store.js";
import { NO_EXTENSIONS } from "./extension-records.js";
import type { SavedAccount } from "./load.js";
import { memoryStore } from "./memory-store.js";
import { OWNER, STORE_FORMAT, type OwnerRecord } from "./records.js";

/** Memory standing in for a store that cannot be opened. It holds only the owner. */
export interface StandIn {
  readonly store: DeviceStore;
  readonly account: SavedAccount;
}

/**
 * @param lifetime one that the store itself never has, so that other trackers' announcements there do not concern
 * memory
 */
export function standIn(userId: UserId, lifetime: string): StandIn {
  const owner: OwnerRecord = { userId, format: STORE_FORMAT, lifetime, lostPins: true };
  const store = memoryStore();
  store.update([], () => ({ puts: [[OWNER, owner]], deletes: [], result: undefined })).subscribe();
  return {
    store,
    account: {
      owner,
      state: emptyClone(userId),
      hasLeft: () => false,
      passed: new Set(),
      ourKey: undefined,
      extensions: NO_EXTENSIONS,
      damaged: new Map(),
    },
  };
}
