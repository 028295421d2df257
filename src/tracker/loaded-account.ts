import { tap, type Observable, type SchedulerLike } from "rxjs";
import { ownUserSigningKey } from "../trust/identity.js";
import type { UnsignedDevices } from "../trust/verify-list.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceUpdate } from "../model/updates.js";
import { DeviceLists } from "../lists/device-lists.js";
import type { KeysApi } from "../query/keys-api.js";
import { ListMemory } from "../lists/list-memory.js";
import { ListSaver } from "../lists/list-saver.js";
import { Lookup } from "../lookup/lookup.js";
import type { Queries } from "../query/queries.js";
import type { DeviceStore } from "../store/device-store.js";
import { readAccount, type SavedAccount } from "../store/load.js";
import { WriteQueue, type WriteQueueEvents } from "../store/write-queue.js";
import { closeGap } from "../sync/catch-up.js";
import type { Emissions } from "./emission-queue.js";
import type { Step } from "../sync/step.js";
import { Steps } from "../sync/steps.js";
import type { TrackedUsers } from "../sync/tracked-users.js";

/** What is there once the saved state has been read. */
export interface LoadedAccount {
  readonly writes: WriteQueue;
  readonly memory: ListMemory;
  readonly lists: DeviceLists;
  readonly saver: ListSaver;
  readonly lookup: Lookup;
  readonly steps: Steps;
  readonly closeGap: (step: Step) => Observable<Step>;
}

/** What the parts need that are there before. */
export interface AccountSurroundings {
  readonly userId: UserId;
  readonly keysApi: KeysApi;
  readonly tracked: TrackedUsers;
  readonly queries: Queries;
  readonly emissions: Emissions;
  readonly scheduler: SchedulerLike;
  readonly maxListsInMemory: number;
  readonly unsignedDevices: UnsignedDevices;
  readonly storeDeadline: number;
  readonly queryDeadline: number;
  readonly writesTell: WriteQueueEvents;
  readonly updated: (update: DeviceUpdate) => void;
  readonly report: (problem: TrackerProblem) => void;
}

/** Puts the parts together that work on a store whose state has been read. */
export function loadedAccount(
  store: DeviceStore,
  { owner, revision, ourKey }: SavedAccount,
  surroundings: AccountSurroundings,
): LoadedAccount {
  const {
    userId,
    keysApi,
    tracked,
    queries,
    emissions,
    scheduler,
    maxListsInMemory,
    unsignedDevices,
    storeDeadline,
    queryDeadline,
    updated,
    report,
  } = surroundings;
  const writes = new WriteQueue(store, owner, scheduler, surroundings.writesTell);
  const memory = new ListMemory(userId, tracked, maxListsInMemory, ourKey);
  const lists = new DeviceLists({
    memory,
    store,
    writes,
    tracked,
    refusesUnsigned: unsignedDevices === "refuse",
    scheduler,
    report,
  });
  const steps = new Steps(userId, tracked, writes, emissions, revision);
  const readAgain = () =>
    readAccount(store, owner).pipe(
      tap((account) => {
        const own = memory.last(userId)?.list; // it may say what could not be saved
        memory.setOurKey(own === undefined || ownUserSigningKey(own) === account.ourKey ? account.ourKey : undefined);
        steps.reloaded(account.revision);
      }),
    );
  return {
    writes,
    memory,
    lists,
    saver: new ListSaver({ ownUserId: userId, memory, tracked, writes, store, scheduler, updated, report }),
    lookup: new Lookup(tracked, memory, lists, queries, () => scheduler.now()),
    steps,
    closeGap: (step) =>
      closeGap(step, {
        ownUserId: userId,
        tracked,
        writes,
        readAccount: readAgain,
        changes: (range) => keysApi.changes(range),
        scheduler,
        storeDeadline,
        changesDeadline: queryDeadline,
        report,
      }),
  };
}
