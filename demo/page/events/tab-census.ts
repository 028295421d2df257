import {
  catchError,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  fromEvent,
  map,
  merge,
  timer,
  type Observable,
} from "rxjs";

/** How often the tabs are counted, in ms: no event says that a waiting tab was closed. */
const EVERY = 1_000;

/** The queue for the lock of the syncing tab. */
export interface TabCensus {
  /** Whether a tab holds the lock. */
  readonly held: boolean;
  /** The tab that holds it and those that wait for it. */
  readonly open: number;
}

/**
 * Counts the tabs in the queue for the Web Lock `name`, which the browser keeps even if tabs crash. Emits at once, and
 * then each change.
 */
export function tabCensus(name: string): Observable<TabCensus> {
  return merge(timer(0, EVERY), fromEvent(document, "visibilitychange")).pipe(
    exhaustMap(() => navigator.locks.query()),
    map(({ held = [], pending = [] }) => {
      const ours = (locks: readonly LockInfo[]) => locks.filter((lock) => lock.name === name).length;
      return { held: ours(held) > 0, open: ours(held) + ours(pending) };
    }),
    distinctUntilChanged((a, b) => a.held === b.held && a.open === b.open),
    catchError(() => EMPTY), // denied: then tabs cannot share either, which is reported elsewhere
  );
}
