import { filter, ignoreElements, lastValueFrom, map, merge, take, takeUntil, type Observable } from "rxjs";
import { axiosKeysApi, axiosMembersApi, syncResponses } from "matrix-device-tracker/http";
import { DeviceTracker, memoryStore, type DeviceStore, type TrackerActivity } from "matrix-device-tracker";
import { EncryptedRooms } from "matrix-device-tracker/rooms";
import type { CommandContext } from "./command.js";
import { inEnvironmentTerms } from "./environment-terms.js";
import { lastValue } from "./last-value.js";

/** Of rooms, only their members are needed. No room may be left out: the server would not announce its users. */
const FILTER = {
  presence: { types: [] },
  account_data: { types: [] },
  room: {
    timeline: { limit: 1 },
    state: { lazy_load_members: true },
    ephemeral: { types: [] },
    account_data: { types: [] },
  },
};

/** A tracker and its parts; closed at the end of the command. */
export interface OpenTracker {
  readonly tracker: DeviceTracker;
  readonly rooms: EncryptedRooms;
}

export async function openTracker({ session, options, output, atEnd }: CommandContext): Promise<OpenTracker> {
  const { http, userId } = session;
  const store = options.store === undefined ? memoryStore() : await storeIn(options.store);
  const rooms = new EncryptedRooms({ membersApi: axiosMembersApi(http) });
  const tracker = new DeviceTracker({
    userId,
    store,
    keysApi: axiosKeysApi(http),
    sync$: syncResponses(http, { since$: store.syncToken$, filter: FILTER }),
    extensions: [rooms],
    onStoreUnavailable: "fail",
  });
  atEnd(() => tracker.close());
  tracker.problems$.subscribe(({ message }) => output.warn(inEnvironmentTerms(message)));
  tracker.activity$.pipe(filter(isFetching), map(progressOf)).subscribe((text) => output.status(text));
  return { tracker, rooms };
}

/** Connects, and resolves once the tracker has caught up. Rejects if its sync stream ends first. */
export async function caughtUp({ tracker }: OpenTracker, { output }: CommandContext): Promise<void> {
  output.status("waiting for the first sync response");
  const caughtUp$ = tracker.caughtUp$.pipe(take(1));
  const ended$: Observable<never> = tracker.synced$.pipe(ignoreElements(), takeUntil(caughtUp$));
  const connected = lastValueFrom(merge(caughtUp$, ended$), { defaultValue: undefined });
  tracker.connect();
  await connected;
  output.clearStatus();
}

async function storeIn(location: string): Promise<DeviceStore> {
  const { levelStore } = await import("matrix-device-tracker/level"); // which needs a package of its own
  const store = levelStore(location);
  await lastValue(store.syncToken$); // if it cannot be opened, this throws the reason
  return store;
}

const isFetching = ({ fetched, toFetch }: TrackerActivity): boolean => fetched < toFetch;
const progressOf = ({ fetched, toFetch }: TrackerActivity): string => `device lists: ${fetched} of ${toFetch} users`;
