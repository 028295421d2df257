import { catchError, debounceTime, EMPTY, filter, forkJoin, map, mergeMap, startWith, switchMap } from "rxjs";
import type { Observable } from "rxjs";
import type { DeviceTracker, KeyEvent, UserId } from "matrix-device-tracker";

/** Changes closer together than this are followed by one reading, in ms. */
const TOGETHER = 50;

export type UserHistory = readonly [userId: UserId, history: readonly KeyEvent[]];

/**
 * What became of each user's keys, and again if there is more.
 *
 * @param changes$ emits when any list or pin may have changed
 */
export function observedHistories(
  tracker: DeviceTracker,
  users: readonly UserId[],
  changes$: Observable<unknown>,
): Observable<UserHistory> {
  const known = new Map<UserId, string>();
  const read = (userId: UserId): Observable<UserHistory> =>
    tracker.keyHistory(userId).pipe(map((history) => [userId, history]));
  return changes$.pipe(
    startWith(undefined),
    debounceTime(TOGETHER),
    switchMap(() => forkJoin(users.map(read)).pipe(catchError(() => EMPTY))),
    mergeMap((histories) => histories),
    filter(([userId, history]) => {
      const text = JSON.stringify(history);
      const isNew = known.get(userId) !== text;
      known.set(userId, text);
      return isNew;
    }),
  );
}
