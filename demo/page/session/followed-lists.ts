import {
  asapScheduler,
  catchError,
  debounceTime,
  delayWhen,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  observeOn,
  of,
  switchMap,
  tap,
  timer,
  type Observable,
} from "rxjs";
import type { DeviceChanges, DeviceKeysByUser, DeviceStore, DeviceTracker, UserId } from "matrix-device-tracker";
import type { LookUp } from "../events/observed-calls.js";
import type { Note } from "../events/tracker-event.js";

/**
 * How long a following tab waits before it looks up changed users, in ms: the syncing tab has usually saved their lists
 * at that point.
 */
const FOLLOWERS_WAIT = 1_200;
/** Changes of the store closer together than this are shown together, in ms. */
const TOGETHER = 50;

export interface Followed {
  readonly tracker: DeviceTracker;
  readonly store: DeviceStore;
  readonly users: readonly UserId[];
  readonly note: Note;
}

/** Changes, a microtask after the tracker announced them: the response that brought them is recorded first. */
export const recordedChanges = (tracker: DeviceTracker): Observable<DeviceChanges> =>
  tracker.deviceChanges$.pipe(observeOn(asapScheduler));

/** The saved lists, recorded as known. */
export function savedLists({ tracker, users, note }: Followed): Observable<DeviceKeysByUser> {
  return tracker.getKnownDeviceKeys(users).pipe(tap((result) => note({ type: "known", result })));
}

/**
 * Reads the saved lists again whenever this tab or another changed something in the store: a list, or what is known of
 * an identity. Lists that are not current are left out: changes are recorded when they are announced.
 */
export function refreshedLists({ tracker, store, users, note }: Followed): Observable<DeviceKeysByUser> {
  return merge(store.commits$, tracker.deviceUpdates$).pipe(
    debounceTime(TOGETHER),
    switchMap(() => tracker.getKnownDeviceKeys(users)),
    map((known) => new Map(Array.from(known).filter(([, { freshness }]) => freshness === "current"))),
    tap((result) => note({ type: "known", result })),
  );
}

/** The lists of a watcher, as an application should follow them. */
export function watchedLists({ tracker, users, note }: Followed): Observable<DeviceKeysByUser> {
  return tracker.watchDeviceKeys(users).pipe(tap((result) => note({ type: "known", result })));
}

/**
 * Looks up all users, and changed users at each announcement, so that each lookup shows in the diagram. An application
 * uses `watchDeviceKeys`, which does not query more often than necessary.
 */
export function announcedLists(
  { tracker, users }: Followed,
  lookUp: LookUp,
  syncsHere: () => boolean,
): Observable<DeviceKeysByUser> {
  const announced$ = recordedChanges(tracker).pipe(
    map(({ changed }) => changed.filter((user) => users.includes(user))),
    delayWhen(() => (syncsHere() ? of(0) : timer(FOLLOWERS_WAIT))),
  );
  return merge(of(users), announced$).pipe(
    filter((wanted) => wanted.length > 0),
    // A failure is recorded, and the next announcement tries again.
    mergeMap((wanted) => lookUp(wanted).pipe(catchError(() => EMPTY))),
  );
}
