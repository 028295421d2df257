import {
  catchError,
  debounceTime,
  distinctUntilChanged,
  EMPTY,
  forkJoin,
  map,
  of,
  startWith,
  switchMap,
  tap,
  type Observable,
} from "rxjs";
import type { DeviceId, DeviceTracker, UserId } from "matrix-device-tracker";
import { nameOf } from "../words/device-name.js";
import type { Claimant, Note } from "./tracker-event.js";

/** Changes closer together than this are followed by one search, in ms. */
const TOGETHER = 200;

/**
 * Records which devices claim the same curve25519 key, with the call an application makes when a message comes from
 * such a key.
 *
 * @param changes$ emits when any list may have changed
 */
export function observedClaims(
  tracker: DeviceTracker,
  users: readonly UserId[],
  changes$: Observable<unknown>,
  note: Note,
): Observable<unknown> {
  return changes$.pipe(
    startWith(undefined),
    debounceTime(TOGETHER),
    switchMap(() => contested(tracker, users).pipe(catchError(() => EMPTY))),
    distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    tap((claims) => note({ type: "claimed", contested: claims })),
  );
}

/** For each key with more than one claimant: its claimants. */
function contested(tracker: DeviceTracker, users: readonly UserId[]): Observable<readonly (readonly Claimant[])[]> {
  return tracker.getKnownDeviceKeys(users).pipe(
    switchMap((known) => {
      const devices = Array.from(known.values()).flatMap(({ deviceKeys }) => Array.from(deviceKeys));
      const keys = new Set(devices.flatMap(([id, { keys: byId }]) => byId[`curve25519:${id}`] ?? []));
      // The store may already have a device that is not in the lists just read: it is shown with the next ones.
      const named = (userId: UserId, deviceId: DeviceId) => {
        const device = known.get(userId)?.deviceKeys.get(deviceId);
        return device === undefined ? [] : [{ userId, deviceId, name: nameOf(deviceId, device) }];
      };
      if (keys.size === 0) return of([]);
      return forkJoin(Array.from(keys, (key) => tracker.findDevice("curve25519", key))).pipe(
        map((found) =>
          found
            .map((claimants) => claimants.flatMap(({ userId, deviceId }): Claimant[] => named(userId, deviceId)))
            .filter(({ length }) => length > 1),
        ),
      );
    }),
  );
}
