import {
  asyncScheduler,
  catchError,
  config,
  type MonoTypeOperatorFunction,
  Observable,
  type SchedulerLike,
  throwError,
} from "rxjs";
import { candidate } from "./candidate.js";
import { type Channel, openChannel } from "./channel.js";
import { UnsharedError } from "./unshared-error.js";

/** How to share; all of it optional. */
export interface ShareOptions {
  /** For the waits after which a leader that does not answer is deposed. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /** Told, once, where the source cannot be shared, and why; every tab then runs a source of its own. What it throws is reported and changes nothing. */
  readonly onUnshared?: (message: string) => void;
}

/**
 * Runs the source in one tab only (Web Locks) and gives what it emits to every tab (BroadcastChannel); when that tab goes, another takes over.
 *
 * ```
 * tab 1      a--b--X            X: closed, crashed or frozen
 * tab 2      a--b---c--d--
 * source     ^--!               subscribed to in tab 1
 *                  ^------      and then in tab 2
 * ```
 *
 * 1. **One source.** Every subscriber, of whatever tab, is a candidate; the one that holds the lock leads: it subscribes to the source. The next leader
 *    *subscribes to it anew*, so the source must start from what is saved: `syncResponses(http, { since$: store.syncToken$ })` does.
 * 2. **Every value, everywhere.** Each value goes to the other tabs first and then to the leader's own subscriber, in the order of the source. One that was not yet
 *    saved when the leader went comes again, from the next one. The tracker takes a response that it has been given already for what it is.
 * 3. **Take-over.** A leader that is closed, crashes, navigates away or is frozen lets the lock go, and the next in the queue has it at once. One that
 *    stops without the browser saying so (a suspended process, a debugger, minutes of computing) is noticed by the others, who ask it after a second or so
 *    without a sign and take the lock from it after another one without an answer (two, four, … where that happens several times a minute). It unsubscribes
 *    from its source as soon as it is told; a value that it emits until then is given to everybody.
 * 4. **A tab that joins** asks the leader for what it emitted last, so as not to wait for the next: a tracker then knows at once where the others stand.
 * 5. **A tab that sleeps** (`freeze` to `resume`, or in the back/forward cache) neither leads nor emits. On waking it gives what it was sent meanwhile, in order, then
 *    asks for the leader's last value as if it had joined. Of more than 1000 values the last are kept, and the browser may
 *    have delivered none to a page in its back/forward cache: the tracker notices by `since` that responses are missing, and catches up.
 *
 * **What may come twice, or late:** around a take-over a value may come from the old leader and from the new one, and the old one's last after the new one's first.
 * No subscriber misses a value that was emitted while it was subscribed and awake, unless the browser loses it: one that a leader sends in the moment in which it
 * crashes may be saved by it and reach nobody else. The tracker notices that, too.
 *
 * **The end.** Where the source fails or completes, it does so for everybody, and no other tab starts it again: an access token is refused everywhere.
 * The leader's subscriber gets the error itself, the others an {@link OtherTabError} with its `name`, `message` and fields (`errcode`, `status`). A tab that
 * subscribes afterwards starts it anew. For what should be retried, `retry` belongs before this operator; so does what is to be done once
 * for each response, such as saving its to-device messages. Unsubscribing is no end: another candidate takes over.
 *
 * Values must be JSON, or what else structured clone takes; one that cannot be cloned fails the stream, in every tab. Each subscription opens a channel and stands in the queue;
 * unsubscribing leaves nothing behind. Where Web Locks (they need https), BroadcastChannel or the permission to use them are missing,
 * `onUnshared` is told and the source is subscribed to as if this operator were not there: two tabs of such a browser are two sync loops of one device.
 *
 * @param name the same in every tab, and one for each account and device: `sync/${userId}/${deviceId}`
 * @example
 * const sync$ = syncResponses(http, { since$: store.syncToken$ }).pipe(shareAcrossTabs(`sync/${userId}/${deviceId}`, { onUnshared: console.warn }));
 * new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ }).connect();
 * // Every tab's tracker has every response; the homeserver has one /sync request.
 * @see https://w3c.github.io/web-locks/
 */
export function shareAcrossTabs<T>(name: string, options: ShareOptions = {}): MonoTypeOperatorFunction<T> {
  const { scheduler = asyncScheduler, onUnshared } = options;
  const topic = `matrix-device-tracker/tabs/${name}`;
  let told = false;
  const tell = (reason: string): void => {
    if (told) return;
    told = true;
    try {
      onUnshared?.(`"${name}" is not shared between tabs, each runs a source of its own: ${reason}`);
    } catch (error) {
      // Thrown on from here it would end the stream, over a line in a log.
      (config.onUnhandledError ?? console.error)(error);
    }
  };

  return (source) => {
    const shared$ = new Observable<T>((subscriber) => {
      const { locks, channel } = open<T>(topic);
      candidate({ source, channel, locks, topic, scheduler }).subscribe(subscriber);
      subscriber.add(() => {
        channel.close(); // last: until here there may be something to say
      });
    });
    return shared$.pipe(
      catchError((error: unknown) => {
        if (!(error instanceof UnsharedError)) return throwError(() => error);
        tell(error.message);
        return source;
      }),
    );
  };
}

/** Gets hold of what sharing takes. */
function open<T>(topic: string): { readonly locks: LockManager; readonly channel: Channel<T> } {
  // The types promise both to everybody.
  const { navigator, BroadcastChannel } = globalThis as {
    navigator?: { locks?: LockManager };
    BroadcastChannel?: unknown;
  };
  if (navigator?.locks === undefined)
    throw new UnsharedError("there are no Web Locks here (an insecure origin, an old browser or Node)");
  if (BroadcastChannel === undefined) throw new UnsharedError("there is no BroadcastChannel here (an old browser)");
  try {
    return { locks: navigator.locks, channel: openChannel<T>(topic) };
  } catch (cause) {
    throw new UnsharedError(`the browser denies the BroadcastChannel (${String(cause)})`, { cause });
  }
}
