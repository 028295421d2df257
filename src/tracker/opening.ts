import { catchError, defer, map, of, Subscription, tap, throwError, type Observable, type SchedulerLike } from "rxjs";
import { StoreClearedError, StoreOwnerError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceStore } from "../store/device-store.js";
import { loadAccount, type SavedAccount } from "../store/load.js";
import { FIRST_WAIT, isFinal, reopened } from "../store/reopened.js";
import { ReplaceableStore } from "../store/replaceable-store.js";
import { standIn } from "../store/stand-in.js";

/** What a tracker begins with: the saved state and its store. */
export interface Opened {
  readonly saved: SavedAccount;
  readonly store: ReplaceableStore;
}

export interface OpeningPorts {
  readonly store: DeviceStore;
  readonly userId: UserId;
  /** A name for the store's life, used if it has no owner yet. */
  readonly lifetime: string;
  readonly scheduler: SchedulerLike;
  /** Receives what other trackers announce, in order. */
  readonly hear: (announcement: unknown) => void;
  /** True if memory stands in for a store that cannot be opened. */
  readonly standsIn: boolean;
  readonly report: (problem: TrackerProblem) => void;
  readonly reopened: (saved: SavedAccount, store: DeviceStore) => void;
  readonly cleared: (error: StoreClearedError) => void;
}

/**
 * Opens a store. While it cannot be opened, memory stands in for it, and opening is retried.
 *
 *     the store       #────── 30 s ──────#────── 60 s ──────···──────o
 *     the tracker     begins with memory ·························· goes on with the store
 */
export class StoreOpening {
  readonly #ports: OpeningPorts;
  #announcements = new Subscription();
  #reopening = new Subscription();
  /** Announcements received while the state is being read; that state may include them or not. */
  #held: unknown[] | undefined;

  constructor(ports: OpeningPorts) {
    this.#ports = ports;
  }

  /** Fails if the store belongs to another account, or was cleared in the meantime. */
  open(): Observable<Opened> {
    return defer(() => {
      const { store, userId, lifetime, scheduler } = this.#ports;
      this.#listen();
      const load$ = loadAccount(store, userId, lifetime, scheduler);
      return load$.pipe(
        map((saved): Opened => ({ saved, store: new ReplaceableStore(store) })),
        catchError((error: unknown) => this.#standIn(error, load$)),
      );
    });
  }

  /** Follows announcements from now on: the state is in memory. */
  follow(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const announcement of held) this.#ports.hear(announcement);
  }

  close(): void {
    this.#announcements.unsubscribe();
    this.#reopening.unsubscribe();
    this.#held = undefined;
  }

  /** Listens before the state is read, so that no announcement is missed. */
  #listen(): void {
    this.close();
    this.#held = [];
    this.#announcements = this.#ports.store.commits$.subscribe((announcement) => {
      if (this.#held === undefined) this.#ports.hear(announcement);
      else this.#held.push(announcement);
    });
  }

  #standIn(error: unknown, load$: Observable<SavedAccount>): Observable<Opened> {
    const { userId, lifetime, standsIn } = this.#ports;
    if (error instanceof StoreOwnerError) return throwError(() => error);
    if (error instanceof StoreClearedError) {
      this.#ports.cleared(error);
      return throwError(() => error);
    }
    if (!standsIn) return throwError(() => error);
    if (!isFinal(error)) this.#tryAgain(load$);
    this.#report(error); // a subscriber may close the tracker
    const { store, account } = standIn(userId, `${lifetime}.memory`);
    return of({ saved: account, store: new ReplaceableStore(store, true) });
  }

  #tryAgain(load$: Observable<SavedAccount>): void {
    const { store, scheduler, reopened: onReopened, cleared } = this.#ports;
    const open$ = defer(() => {
      this.#held = [];
      // Announcements between two tries do not concern memory.
      return load$.pipe(tap({ error: () => (this.#held = undefined) }));
    });
    this.#reopening = reopened(open$, scheduler).subscribe({
      next: (saved) => {
        onReopened(saved, store);
      },
      error: (error: unknown) => {
        if (error instanceof StoreClearedError) cleared(error);
        else this.#report(error);
      },
    });
  }

  #report(error: unknown): void {
    const isLast = isFinal(error);
    const plan = isLast
      ? "it is not tried again"
      : `it is tried again after ${FIRST_WAIT / 1000} s, doubling to 10 min`;
    const why = error instanceof Error ? error.message : String(error);
    const message =
      `the device store cannot be used (${why}); memory stands in for it, nothing is saved, ` +
      `and no identity can be called unchanged; ${plan}`;
    this.#ports.report({ type: "store-unavailable", error, retryIn: isLast ? undefined : FIRST_WAIT, message });
  }
}
