import {
  asyncScheduler,
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  merge,
  of,
  startWith,
  switchMap,
  takeUntil,
  tap,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { shown } from "../model/shown.js";
import { inRounds } from "./in-rounds.js";
import { KeyQueryService } from "./key-query-service.js";
import type { KeyQueryMachine } from "./machine.js";
import { Retries } from "./retries.js";
import type { ServedKeys } from "./served-keys.js";
import { ServedUsers } from "./served-users.js";
import type { ServingTracker } from "./serving-tracker.js";
import type { RefusedDevices } from "./to-response.js";

/** How to serve a machine. All optional. */
export interface ServeOptions {
  /** @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /** @default "omit" */
  readonly refusedDevices?: RefusedDevices;
}

/**
 * While subscribed, answers an engine's own `/keys/query` requests from a tracker, which handles all races of device
 * lists. Sending the machine's other requests remains up to the application.
 *
 *     machine   ──asks(bob, 1)───────────────asks(bob, 2)──
 *     tracker        q(bob)·×(changed)·q(bob)··current
 *     machine   ─────────────────────────given(bob, 1)────
 *
 * 1. A request is answered under its own ID, for which the machine waits, and only with lists that are `current` when
 *    they are given. A user that changes in the meantime is looked up again: no list is followed by an older one.
 * 2. Tracked users are the same on both sides: the machine tracks those of the tracker, and the tracker those that the
 *    machine asks for. A user that has left is not queried: the machine keeps their last list, and gets the next one
 *    when they are tracked again.
 * 3. The machine also gets lists that it does not ask for: of users that were announced or are tracked again, and those
 *    that another lookup has changed.
 * 4. A user that was announced several times in a row without any change is looked up later, as by a watcher.
 * 5. An `unreachable` user is in `failures`, so that the machine asks again after a while. After a failure, users are
 *    looked up again after 2 s, doubling to 5 min.
 *
 * Lists have devices and cross-signing keys verbatim. A device that the tracker refuses is left out, so that no message
 * is encrypted to it. With `refusedDevices: "as-before"`, the machine keeps it in the form that was accepted earlier,
 * if any, with what a person has said of it; then the holder of its old key can read.
 *
 * Emits what it did. Fails if the machine does (for example, because it was closed), or if the store is not, or no
 * longer, ours; completes with the tracker.
 * @param options.scheduler the clock of the tracker
 * @throws TypeError if `options.refusedDevices` is unknown
 * @example
 * serveKeyQueries(machine, tracker).subscribe({
 *   next: (served) => console.debug(served), // { type: "given", userIds: ["@bob:example.org"] }
 *   error: console.error,
 * });
 */
export function serveKeyQueries(
  machine: KeyQueryMachine,
  tracker: ServingTracker,
  { scheduler = asyncScheduler, refusedDevices = "omit" }: ServeOptions = {},
): Observable<ServedKeys> {
  if (!["omit", "as-before"].includes(refusedDevices))
    throw new TypeError(`refusedDevices should be "omit" or "as-before", not ${shown(refusedDevices)}`);
  return defer(() => {
    const users = new ServedUsers();
    const retries = new Retries(scheduler);
    const service = new KeyQueryService(machine, tracker, users, retries, refusedDevices);
    const closed$ = concat(tracker.deviceUpdates$.pipe(ignoreElements()), of(undefined));
    return merge(
      retries.due$,
      tracker.trackedUsers$.pipe(
        tap((tracked) => {
          retries.announced(users.follow(tracked));
        }),
      ),
      tracker.deviceChanges$.pipe(
        tap(({ changed, left }) => {
          users.announced(changed);
          users.announced(left); // they may be tracked again before the tracked set has shown it
          retries.announced(changed);
          for (const userId of left) retries.changed(userId);
        }),
      ),
      tracker.deviceUpdates$.pipe(
        tap(({ userId }) => {
          users.updated(userId);
          retries.changed(userId);
        }),
      ),
      // The machine may want something after each response.
      responses(tracker).pipe(
        tap(() => {
          retries.responded();
        }),
      ),
    ).pipe(
      filter(() => users.isLoaded),
      inRounds((moreIsDue) => service.round(moreIsDue)),
      takeUntil(closed$),
    );
  });
}

/** Emits after each response of each connection. */
const responses = ({ caughtUp$, applied$ }: ServingTracker): Observable<unknown> =>
  caughtUp$.pipe(
    switchMap(() =>
      applied$.pipe(
        catchError(() => EMPTY), // the tracker reports it
        startWith(undefined),
      ),
    ),
  );
