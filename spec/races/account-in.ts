import { Subject } from "rxjs";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { DeviceLists, SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import type { Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp, type TrackerUnderTest } from "../support/tracker-in.js";

/** A connected tracker, with a store of its own over the account's records. */
export interface Tab extends Omit<TrackerUnderTest, "asked$" | "requests"> {
  readonly store: ScriptedStore;
  readonly give: (...responses: readonly SyncResponse[]) => void;
}

export interface Account {
  /** What all of its trackers save to; answers at once. */
  readonly records: DeviceStore;
  /** Whom all of them ask; it answers at once. What it announces is up to the test: each tab is given its own steps. */
  readonly homeserver: ScriptedHomeserver;
  /** From now on the user has this device, and no other. */
  readonly replace: (userId: UserId, deviceId: DeviceId) => void;
  /** One more tracker: another tab, or the next life of a page. */
  readonly open: (setUp?: TrackerSetUp) => Tab;
}

/** An account whose trackers share their records, as tabs do, and pages that are loaded again. */
export function accountIn(m: Pick<Marbles, "scheduler">): Account {
  const { scheduler } = m;
  const records = memoryStore();
  const homeserver = new ScriptedHomeserver({ scheduler });
  const replace = (userId: UserId, deviceId: DeviceId) => {
    for (const former of homeserver.devicesOf(userId).keys()) homeserver.removeDevice(userId, former);
    homeserver.addDevice(userId, deviceId);
  };
  const open = (setUp: TrackerSetUp = {}): Tab => {
    const store = new ScriptedStore({ scheduler, records });
    const sync$ = new Subject<SyncResponse>();
    const under = trackerIn(m, { sync$, store, keysApi: homeserver.keysApi, ...setUp });
    under.tracker.synced$.subscribe({ error: () => {} }); // or its end would be reported as unhandled
    const give = (...responses: readonly SyncResponse[]) => {
      for (const response of responses) sync$.next(response);
    };
    return { ...under, store, give };
  };
  return { records, homeserver, replace, open };
}

/** A sync response that says which token it answered; `null` for an initial sync. */
export const answering = (since: string | null, next: string, lists: DeviceLists = {}): SyncResponse => ({
  next_batch: next,
  since,
  device_lists: lists,
});

/** One whose device lists cannot be understood, so that they may hide a change of anyone. */
export const unreadable = (since: string, next: string): SyncResponse => ({
  ...answering(since, next),
  device_lists: "nonsense" as never,
});
