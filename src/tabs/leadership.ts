import { concat, map, Observable, of, repeat, startWith, switchAll } from "rxjs";

/**
 * Emits whether this candidate holds the lock: `false` at first, then every change.
 *
 * ```
 * lock       ----g-----s--------g-----      g: granted, s: stolen
 * depose$    -----------------d--------
 *            f---t-----f--------t------
 * ```
 *
 * 1. It queues for the lock. The browser grants it to the next in the queue when its holder releases it, is closed or
 *    crashes.
 * 2. `depose$` steals the lock from its holder, which may be unable to release it.
 * 3. After its own lock was stolen, it queues again.
 *
 * Fails if the browser refuses the request. Unsubscribing releases the lock or leaves the queue.
 */
export function leadership(locks: LockManager, name: string, depose$: Observable<unknown>): Observable<boolean> {
  const queue$ = concat(of(false), hold(locks, name, "queue")).pipe(repeat());
  return depose$.pipe(
    map(() => concat(hold(locks, name, "steal"), queue$)),
    startWith(queue$),
    switchAll(),
  );
}

/** Emits once the lock is held, and completes when it is stolen. */
function hold(locks: LockManager, name: string, how: "queue" | "steal"): Observable<true> {
  return new Observable((subscriber) => {
    const leaving = new AbortController();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    // May also run after the teardown, if the grant was already on its way. The lock is then released at once.
    const granted = () => {
      subscriber.next(true);
      return released;
    };
    locks.request(name, how === "steal" ? { steal: true } : { signal: leaving.signal }, granted).then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        if (error instanceof Error && error.name === "AbortError") subscriber.complete();
        else subscriber.error(error);
      },
    );
    return () => {
      release();
      leaving.abort();
    };
  });
}
