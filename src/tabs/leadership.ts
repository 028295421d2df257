import { concat, map, Observable, of, repeat, startWith, switchAll } from "rxjs";

/**
 * Whether the lock is ours: first not, and never not for good.
 *
 * ```
 * lock       ----g-----s--------g-----      g: granted, s: taken by another
 * depose$    -----------------d--------
 *            f---t-----f-------t------
 * ```
 *
 * 1. It stands in the queue for the lock. The browser gives it to the next in the queue as soon as the holder lets it go, is closed or crashes.
 * 2. `depose$` takes it from the holder, who may be unable to let it go.
 * 3. One from whom it is taken stands in the queue again.
 *
 * Fails where the browser refuses the lock. Unsubscribing lets the lock go, or leaves the queue.
 */
export function leadership(locks: LockManager, name: string, depose$: Observable<unknown>): Observable<boolean> {
  const queue$ = concat(of(false), hold(locks, name, "queue")).pipe(repeat());
  return depose$.pipe(
    map(() => concat(hold(locks, name, "steal"), queue$)),
    startWith(queue$),
    switchAll(),
  );
}

/** Emits once the lock is ours, and completes when it was taken from us. */
function hold(locks: LockManager, name: string, how: "queue" | "steal"): Observable<true> {
  return new Observable((subscriber) => {
    const leaving = new AbortController();
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // Also called where we have left while the browser granted it: then it is let go at once.
    const granted = () => {
      subscriber.next(true);
      return held;
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
      letGo();
      leaving.abort();
    };
  });
}
