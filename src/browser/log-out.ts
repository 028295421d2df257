import {
  asapScheduler,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  merge,
  type Observable,
  observeOn,
  of,
  ReplaySubject,
  share,
  skipWhile,
  type Subscription,
  switchMap,
  take,
  tap,
  throwError,
  timer,
} from "rxjs";
import type { DeviceTracker } from "../device-tracker.js";
import { TrackerClosedError } from "../model/errors.js";
import type { DeviceStore } from "../store/device-store.js";
import { holdingLock } from "./holding-lock.js";
import { LogOutChannel } from "./log-out-channel.js";

/** How long to wait for the tab that logs out, in ms: it may wait 3 s for the lock before it clears the store. */
const PATIENCE = 10_000;

/** What a log-out ends. */
export interface Connected {
  readonly userId: string;
  readonly tracker: DeviceTracker;
  readonly store: DeviceStore;
  /** The Web Lock that every connection of the account holds, or waits for, until its tracker is closed. */
  readonly lock: string;
}

/**
 * Logs an account out in all tabs.
 *
 *     this tab      close ─▶ queue for the lock ─▶ "log-out" ─▶ (granted) clear the store ─▶ "cleared"
 *     other tabs                                   └─▶ close ································└─▶ loggedOut$
 *
 * A tab leaves the queue by closing its tracker. So when the lock is granted, the trackers before it in the queue are
 * closed, and none can begin a new life of the store by loading it. A tab that got no message (frozen, suspended) finds
 * the store cleared when it wakes, and writes nothing. If "cleared" does not follow, the tab that sent "log-out" has
 * failed or is gone; the others are closed, and do not wait for it for ever.
 */
export class LogOut {
  readonly #connected: Connected;
  readonly #channel: LogOutChannel;
  readonly #loggedOut$ = new ReplaySubject<void>(1);
  /** A log-out by another connection. */
  readonly #elsewhere$: Observable<unknown>;
  readonly #run$: Observable<never>;
  #listening: Subscription;
  #isClosed = false;
  #isDone = false;

  constructor(connected: Connected) {
    const { userId, tracker, store, lock } = connected;
    this.#connected = connected;
    this.#channel = new LogOutChannel(userId);
    const cleared$ = tracker.problems$.pipe(
      filter(({ type }) => type === "store-cleared"),
      observeOn(asapScheduler), // once the tracker is done with it
      tap(() => {
        this.#done();
      }),
    );
    this.#elsewhere$ = this.#channel.messages$.pipe(
      skipWhile((message) => message === "cleared"),
      tap(() => {
        tracker.close();
      }),
      switchMap((message) => (message === "cleared" ? of(0) : timer(PATIENCE))),
      take(1),
      tap(() => {
        this.#done();
      }),
    );
    this.#listening = merge(cleared$, this.#elsewhere$).subscribe();
    // Unsubscribing does not cancel it, and two calls are one log-out. One that failed can be repeated.
    this.#run$ = defer(() => this.#run(store, lock)).pipe(
      share({ connector: () => new ReplaySubject<never>(1), resetOnRefCountZero: false, resetOnComplete: false }),
    );
  }

  /** Emits once the account is logged out, in this tab or another, and completes; it completes with {@link close}. */
  get loggedOut$(): Observable<void> {
    return this.#loggedOut$.asObservable();
  }

  /**
   * Another connection's log-out may be followed by a new log-in, whose store this one must not clear. Once closed, it
   * does not hear of log-outs.
   */
  get logOut$(): Observable<never> {
    return defer(() => {
      if (this.#isDone) return EMPTY;
      return this.#isClosed ? throwError(() => new TrackerClosedError()) : this.#run$;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#listening.unsubscribe();
    this.#connected.tracker.close();
    this.#loggedOut$.complete();
  }

  #run(store: DeviceStore, lock: string): Observable<never> {
    this.#listening.unsubscribe(); // it would hear the message
    this.#connected.tracker.close();
    const cleared$ = holdingLock(lock, store.clear()).pipe(ignoreElements());
    const announced$ = defer(() => {
      this.#channel.send("log-out"); // after this one has queued for the lock
      return EMPTY;
    });
    return merge(cleared$, announced$).pipe(
      tap({
        error: () => {
          this.#listenAgain();
        },
        complete: () => {
          this.#channel.send("cleared");
          this.#done();
        },
      }),
    );
  }

  /** Another connection may succeed. */
  #listenAgain(): void {
    if (!this.#isClosed) this.#listening = this.#elsewhere$.subscribe();
  }

  #done(): void {
    this.#isDone = true;
    this.#loggedOut$.next();
    this.close();
  }
}
