import {
  asapScheduler,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  merge,
  type Observable,
  observeOn,
  ReplaySubject,
  share,
  type Subscription,
  switchMap,
  take,
  tap,
} from "rxjs";
import type { DeviceTracker } from "../device-tracker.js";
import type { DeviceStore } from "../store/device-store.js";
import { holdingLock } from "./holding-lock.js";
import { LogOutChannel } from "./log-out-channel.js";

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
 *     this tab      close ─▶ queue for the lock ─▶ message ─▶ (granted) clear the store ─▶ release it
 *     other tabs                                   └─▶ close ─▶ queue for the lock ────────└─▶ loggedOut$
 *
 * A tab leaves the queue by closing its tracker. So when the lock is granted, all earlier trackers in the queue are
 * closed, and none can begin a new life of the store by loading it. A tab that received no message (frozen, suspended)
 * finds the store cleared when it wakes, and writes nothing.
 */
export class LogOut {
  readonly #connected: Connected;
  readonly #channel: LogOutChannel;
  readonly #loggedOut$ = new ReplaySubject<void>(1);
  readonly #listening: Subscription;
  readonly #run$: Observable<never>;
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
    const elsewhere$ = this.#channel.logOuts$.pipe(
      take(1),
      tap(() => {
        tracker.close();
      }),
      switchMap(() => holdingLock(lock, EMPTY)), // until the store has been cleared
      tap({
        complete: () => {
          this.#done();
        },
      }),
    );
    this.#listening = merge(cleared$, elsewhere$).subscribe();
    // Unsubscribing does not cancel it, and two calls share one log-out. A failed one can be repeated.
    this.#run$ = defer(() => this.#run(store, lock)).pipe(
      share({ connector: () => new ReplaySubject<never>(1), resetOnRefCountZero: false, resetOnComplete: false }),
    );
  }

  /** Emits once the account is logged out, in this tab or another, and completes; it completes with {@link close}. */
  get loggedOut$(): Observable<void> {
    return this.#loggedOut$.asObservable();
  }

  /** Another connection's log-out may be followed by a new log-in; this one must not clear that store. */
  get logOut$(): Observable<never> {
    return defer(() => (this.#isDone ? EMPTY : this.#run$));
  }

  close(): void {
    this.#listening.unsubscribe();
    this.#connected.tracker.close();
    this.#loggedOut$.complete();
  }

  #run(store: DeviceStore, lock: string): Observable<never> {
    this.#listening.unsubscribe(); // it would hear the message
    this.#connected.tracker.close();
    const cleared$ = holdingLock(lock, store.clear()).pipe(ignoreElements());
    const announced$ = defer(() => {
      this.#channel.send(); // other tabs queue for the lock once they receive it, after this one
      return EMPTY;
    });
    return merge(cleared$, announced$).pipe(
      tap({
        complete: () => {
          this.#done();
        },
      }),
    );
  }

  #done(): void {
    this.#isDone = true;
    this.#loggedOut$.next();
    this.close();
  }
}
