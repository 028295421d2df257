import { Subject } from "rxjs";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { DeviceLists, SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import type { Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp, type TrackerUnderTest } from "../support/tracker-in.js";

/** A connected tracker, with a store of its own on the account's records. */
export interface Tab extends Omit<TrackerUnderTest, "asked$" | "requests"> {
  readonly store: ScriptedStore;
  /** Emits these responses on its sync stream. */
  readonly give: (...responses: readonly SyncResponse[]) => void;
}

export interface Account {
  /** Where all of its trackers save; emits at once. */
  readonly records: DeviceStore;
  /** Answers the queries of all trackers at once. It announces nothing: the test gives each tab its steps. */
  readonly homeserver: ScriptedHomeserver;
  /** The user has this device from now on, and no other. */
  readonly replace: (userId: UserId, deviceId: DeviceId) => void;
  /** Another tracker: another tab, or the page after a reload. */
  readonly open: (setUp?: TrackerSetUp) => Tab;
}

/** An account whose trackers share their records, as tabs do, and as a page does that is loaded again. */
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
    under.tracker.synced$.subscribe({ error: () => {} });
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

/** A response whose device lists cannot be understood, so that they may hide changes of any user. */
export const unreadable = (since: string, next: string): SyncResponse => ({
  ...answering(since, next),
  device_lists: "nonsense" as never,
});
