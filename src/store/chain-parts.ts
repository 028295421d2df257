import type { SchedulerLike } from "rxjs";
import type { Announcer } from "./announcer.js";
import type { ChainEvents } from "./chain-events.js";
import type { Clone } from "./clone.js";
import type { DeviceStore } from "./device-store.js";
import type { ChainExtensions } from "./extension-records.js";
import type { OperationSlot } from "./operation-slot.js";
import type { Pace } from "./pace.js";
import type { OwnerRecord } from "./records.js";

/** Who a tracker is, and where. */
export interface ChainOptions {
  readonly store: DeviceStore;
  readonly owner: OwnerRecord;
  /** A name for this tracker that no other has. */
  readonly name: string;
  readonly scheduler: SchedulerLike;
  readonly extensions: ChainExtensions;
}

/** What the two halves of a chain share. */
export interface ChainParts extends ChainOptions {
  readonly clone: Clone;
  /** These two are other ones once the store can be opened that memory stood in for. */
  owner: OwnerRecord;
  announcer: Announcer;
  readonly slot: OperationSlot;
  readonly pace: Pace;
  readonly events: ChainEvents;
}
