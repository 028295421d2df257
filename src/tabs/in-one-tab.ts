import {
  asyncScheduler,
  catchError,
  config,
  defer,
  dematerialize,
  EMPTY,
  finalize,
  materialize,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  type SchedulerLike,
  share,
  switchMap,
} from "rxjs";
import { asleep } from "../page/tab-life.js";
import { candidate } from "./candidate.js";
import { openChannel } from "./channel.js";
import { Patience } from "./patience.js";
import { stuckLeader } from "./stuck-leader.js";

export interface InOneTabOptions {
  /** For the waits before a leader that does not answer is deposed. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /**
   * Called once, with the reason, if every tab subscribes because the browser lacks or refuses Web Locks. An error that
   * it throws is reported, with no other effect.
   */
  readonly onUnshared?: (message: string) => void;
}

/**
 * Subscribes to the source in one tab only: the one that holds the Web Lock `name`. When that tab closes, crashes or is
 * frozen, another one subscribes. Elsewhere it stays silent.
 *
 * ```
 * tab 1      ^--a--b--X             X: closed, crashed or frozen
 * tab 2      ---------^--c--d--     ^: subscribes to its own source
 * tab 3      ------------------     next in the queue
 * ```
 *
 * 1. **One lock.** Each tab queues for the lock, and the holder subscribes to its source. When it unsubscribes, closes,
 *    navigates away or crashes, the browser grants the lock to the next tab, which *subscribes anew*. The source should
 *    therefore start from what is saved, as `syncResponses(http, { since$: store.syncToken$ })` does.
 * 2. **Nothing is passed on.** Values, the error and the completion of the source go to the subscribers in its own tab.
 *    Other tabs learn of changes from the store: trackers on the same store follow each other's commits.
 * 3. **Sleep.** A tab that is frozen, or put into the back/forward cache, unsubscribes and releases the lock before
 *    that event is over. When it wakes, it queues again.
 * 4. **A stuck leader** (a suspended process, a debugger, a long computation) is detected by the other tabs, which ask
 *    for a sign of life over a BroadcastChannel about once a second. If there is no answer within another second (2, 4,
 *    … 32 s if leaders were deposed repeatedly within a minute), one of them takes the lock. The former leader
 *    unsubscribes as soon as it runs again, and queues; until then two tabs may be subscribed.
 * 5. **Within a tab,** all subscribers of the returned observable share one subscription, from the first of them to the
 *    last. Separate uses of the operator with the same name compete for the lock like separate tabs.
 *
 * Fails or completes when the source does in this tab. That releases the lock, and the next tab subscribes to its own
 * source, so a final error, such as a refused access token, reaches each tab in turn. Unsubscribing releases the lock
 * or leaves the queue.
 *
 * Without Web Locks (insecure origins, old browsers, Node), or if the browser refuses them, every tab subscribes while
 * it is awake, and `onUnshared` is called with the reason. With `syncResponses`, two tabs are then two sync loops of
 * one device, and each loses to-device messages to the other.
 *
 * @param name the same in every tab, one per account and device. Reserved for this operator: the lock is taken from any
 * holder that does not answer.
 * @example
 * const sync$ = syncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab(`sync/${userId}`));
 * new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ }).connect();
 * // One tab sends GET /sync; the trackers of all tabs follow.
 * @see https://w3c.github.io/web-locks/
 */
export function inOneTab<T>(name: string, options: InOneTabOptions = {}): MonoTypeOperatorFunction<T> {
  const { scheduler = asyncScheduler, onUnshared } = options;
  let reported = false;
  const report = (reason: string): void => {
    if (reported) return;
    reported = true;
    try {
      onUnshared?.(`Every tab subscribes to "${name}" by itself: ${reason}`);
    } catch (error) {
      // If rethrown, it would end the stream because of a log entry.
      (config.onUnhandledError ?? console.error)(error);
    }
  };

  return (source) =>
    mayLead(name, scheduler, report).pipe(
      switchMap((leads) => (leads ? source.pipe(materialize()) : EMPTY)),
      dematerialize(), // completes with the source, even though the candidate could lead again
      share(), // reset when the source ends, and when the last subscriber unsubscribes
    );
}

/** Emits whether this tab may subscribe: if it is awake and leads, or if there is no lock. */
function mayLead(name: string, scheduler: SchedulerLike, report: (reason: string) => void): Observable<boolean> {
  return defer(() => {
    const patience = new Patience(scheduler); // outlives a sleep
    // The channel is closed while asleep: a message to a page in the back/forward cache may evict it.
    const awake$ = defer(() => {
      const locks = lockManager();
      const channel = openChannel(name);
      const leads$ = candidate(locks, name, channel, stuckLeader(channel, patience, scheduler));
      return leads$.pipe(finalize(() => channel.close()));
    }).pipe(
      catchError((error: unknown) => {
        report(error instanceof Error ? error.message : String(error));
        return of(true);
      }),
    );
    return asleep().pipe(switchMap((isAsleep) => (isAsleep ? of(false) : awake$)));
  });
}

function lockManager(): LockManager {
  // TypeScript assumes that every platform has it.
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  if (navigator?.locks === undefined)
    throw new Error("there are no Web Locks here (an insecure origin, an old browser or Node)");
  return navigator.locks;
}
