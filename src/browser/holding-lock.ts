import { Observable, timer } from "rxjs";

/** How long to wait for a Web Lock, in ms: a tab that does not release it in time is suspended. */
const PATIENCE = 3_000;

/**
 * Subscribes to the work once the Web Lock is held, after all earlier requests for it, and holds it until the work has
 * ended. If the lock is not granted within 3 s, or if there are no Web Locks, subscribes without it.
 */
export function holdingLock<T>(name: string, work$: Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const leaving = new AbortController();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    subscriber.add(() => {
      release();
      leaving.abort();
    });
    let hasBegun = false;
    const begin = () => {
      if (hasBegun) return;
      hasBegun = true;
      subscriber.add(work$.subscribe(subscriber));
    };
    // TypeScript assumes that every platform has it.
    const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
    if (navigator?.locks === undefined) {
      begin();
      return;
    }
    subscriber.add(timer(PATIENCE).subscribe(begin));
    const granted = () => {
      begin();
      return released;
    };
    // If it was refused, or stolen by another tab, the work is still done; it may also have been aborted by the
    // teardown.
    navigator.locks.request(name, { signal: leaving.signal }, granted).catch(() => {
      if (!subscriber.closed) begin();
    });
  });
}
