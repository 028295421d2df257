import {
  catchError,
  debounceTime,
  distinctUntilChanged,
  EMPTY,
  filter,
  forkJoin,
  map,
  merge,
  of,
  startWith,
  switchMap,
  tap,
  type Observable,
} from "rxjs";
import type { DeviceId, DeviceTracker, UserId } from "matrix-device-tracker";
import { nameOf } from "../words/device-name.js";
import type { Claimant, Note } from "./happening.js";

/** How long a row of changes is waited for, in ms. */
const TOGETHER = 200;

/** Notes which devices claim one curve25519 key between them, as an application would ask when a message comes from one of these keys. `changes$`: lists may be others. */
export function observedClaims(
  tracker: DeviceTracker,
  users: readonly UserId[],
  changes$: Observable<unknown>,
  note: Note,
): Observable<unknown> {
  return merge(changes$, tracker.synced$.pipe(filter(({ device_lists: lists }) => lists !== undefined))).pipe(
    startWith(undefined),
    debounceTime(TOGETHER),
    switchMap(() => contested(tracker, users).pipe(catchError(() => EMPTY))),
    distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    tap((claims) => note({ type: "claimed", contested: claims })),
  );
}

/** Keys with more than one claimant, by these. */
function contested(tracker: DeviceTracker, users: readonly UserId[]): Observable<readonly (readonly Claimant[])[]> {
  return tracker.getKnownDeviceKeys(users).pipe(
    switchMap((known) => {
      const devices = Array.from(known.values()).flatMap(({ deviceKeys }) => Array.from(deviceKeys));
      const keys = new Set(devices.flatMap(([id, { keys: byId }]) => byId[`curve25519:${id}`] ?? []));
      // Who is in the store and not yet in this tab's lists is shown with these.
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
