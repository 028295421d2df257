import type { SchedulerLike } from "rxjs";
import type { Announcer } from "./announcer.js";
import type { ChainEvents } from "./chain-events.js";
import type { Clone } from "./clone.js";
import type { DeviceStore } from "./device-store.js";
import type { ChainExtensions } from "./extension-records.js";
import type { OperationSlot } from "./operation-slot.js";
import type { Pace } from "./pace.js";
import type { OwnerRecord } from "./records.js";

export interface ChainOptions {
  readonly store: DeviceStore;
  readonly owner: OwnerRecord;
  /** Unique for each tracker. */
  readonly name: string;
  readonly scheduler: SchedulerLike;
  readonly extensions: ChainExtensions;
}

/** What a chain's reader and writer share. */
export interface ChainParts extends ChainOptions {
  readonly clone: Clone;
  /** Both are replaced when the store that memory stands in for can be opened. */
  owner: OwnerRecord;
  announcer: Announcer;
  readonly slot: OperationSlot;
  readonly pace: Pace;
  readonly events: ChainEvents;
}
