import type { Observable, SchedulerLike } from "rxjs";
import { DeviceIndex } from "../lists/device-index.js";
import type { CacheLimits } from "../lists/list-cache.js";
import { ListMemory } from "../lists/list-memory.js";
import { ListSaver } from "../lists/list-saver.js";
import { OwnIdentityWatch } from "../lists/own-identity-watch.js";
import { PendingEdits } from "../lists/pending-edits.js";
import { SavedLists } from "../lists/saved-lists.js";
import { UnsavedPins } from "../lists/unsaved-pins.js";
import { Lookup } from "../lookup/lookup.js";
import type { UserId } from "../model/ids.js";
import type { KeysApi } from "../query/keys-api.js";
import { processResponse } from "../query/process-response.js";
import { Queries } from "../query/queries.js";
import type { QueryLimits } from "../query/request-queue.js";
import type { Chain } from "../store/chain.js";
import type { DeviceStore } from "../store/device-store.js";
import type { OwnerRecord } from "../store/records.js";
import type { Tracking } from "../sync/tracking.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import type { UnsignedDevices } from "../trust/verify-list.js";
import type { Outputs } from "./outputs.js";

export interface AccountSettings extends QueryLimits, CacheLimits {
  readonly userId: UserId;
  readonly keysApi: KeysApi;
  readonly verifier: SignatureVerifier;
  readonly unsignedDevices: UnsignedDevices;
  readonly queryDeadline: number;
  readonly gaps: "ask" | "distrust";
  readonly ownMasterKey?: string | undefined;
  readonly scheduler: SchedulerLike;
}

export interface ListParts {
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly index: DeviceIndex;
  readonly unsaved: UnsavedPins;
  readonly pendingEdits: PendingEdits;
  readonly saver: ListSaver;
  readonly queries: Queries;
  readonly lookup: Lookup;
}

/** Composes the parts that read, query and save the device lists of one account. */
export function listsOf(
  chain: Chain,
  tracking: Tracking,
  store: DeviceStore,
  settings: AccountSettings,
  outputs: Outputs,
  saved: { readonly ourKey: string | undefined; readonly closed$: Observable<unknown> },
): ListParts {
  const { userId: ownUserId, keysApi, scheduler, queryDeadline, unsignedDevices } = settings;
  const {
    report,
    updated,
    activity: { count },
  } = outputs;
  const isOurs = (owner: OwnerRecord | undefined) => chain.isOurs(owner);
  const refusesUnsigned = unsignedDevices === "refuse";
  const memory = new ListMemory(ownUserId, tracking, settings, saved.ourKey);
  const pendingEdits = new PendingEdits();
  const lists = new SavedLists({
    store,
    memory,
    tracking,
    refusesUnsigned,
    isOurs,
    isCommitted: ({ number }) => number <= chain.clone.head,
    missedCommit: () => {
      chain.catchUp();
    },
    report,
    pendingEdits,
  });
  const own = { ownUserId, ownMasterKey: settings.ownMasterKey };
  const unsaved = new UnsavedPins(own, memory, pendingEdits, store, scheduler, isOurs);
  const ownIdentity = new OwnIdentityWatch(report);
  const saver = new ListSaver({ own, chain, tracking, memory, unsaved, ownIdentity, updated, report, count });
  const queries = new Queries(
    {
      keysApi,
      ownUserId,
      scheduler,
      queryDeadline,
      closed$: saved.closed$,
      count,
      lastCommit: () => chain.tip,
      revisionOf: (userId) => tracking.get(userId)?.revision,
      process: (response, query) =>
        processResponse(response, query, {
          ...settings,
          ownUserId,
          memory,
          lists,
          saver,
          deadline: queryDeadline,
          report,
          count,
        }),
    },
    settings,
  );
  const lookup = new Lookup({ tracking, memory, lists, queries, now: () => scheduler.now(), count });
  const index = new DeviceIndex({
    store,
    isOurs,
    isTracked: (userId) => tracking.get(userId) !== undefined,
    report,
    pendingEdits,
  });
  return { memory, lists, index, unsaved, pendingEdits, saver, queries, lookup };
}
