import { catchError, concatMap, ignoreElements, map, merge, of, tap, type Observable } from "rxjs";
import type { DeviceTracker, UserId } from "matrix-device-tracker";
import { nameOf } from "../words/device-name.js";
import type { DeviceNames } from "../words/update-words.js";
import type { Note } from "./tracker-event.js";

/** Records what each saved answer changed, whichever tab queried, with the display names of the devices. */
export function observedUpdates(tracker: DeviceTracker, users: readonly UserId[], note: Note): Observable<never> {
  /** Names from earlier lists: an update has only the IDs of removed devices. */
  const former = new Map<UserId, DeviceNames>();
  const remembered$ = namesOf(tracker, users).pipe(
    tap((saved) => saved.forEach((names, userId) => former.set(userId, names))),
  );
  const updates$ = tracker.deviceUpdates$.pipe(
    concatMap((update) => namesOf(tracker, [update.userId]).pipe(map((now) => [update, now] as const))),
    tap(([update, now]) => {
      const names = new Map(now.get(update.userId));
      for (const id of update.removed) names.set(id, former.get(update.userId)?.get(id) ?? id);
      former.set(update.userId, new Map([...(former.get(update.userId) ?? []), ...names]));
      note({ type: "updated", update, names });
    }),
  );
  return merge(remembered$, updates$).pipe(ignoreElements());
}

/** The display names of the users' devices in the saved lists. */
function namesOf(tracker: DeviceTracker, users: readonly UserId[]): Observable<ReadonlyMap<UserId, DeviceNames>> {
  return tracker.getKnownDeviceKeys(users).pipe(
    map(
      (known) =>
        new Map(
          Array.from(known, ([userId, { deviceKeys }]) => [
            userId,
            new Map(Array.from(deviceKeys, ([id, device]) => [id, nameOf(id, device)])),
          ]),
        ),
    ),
    catchError(() => of(new Map<UserId, DeviceNames>())),
  );
}
