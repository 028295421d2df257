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

/** How often the tabs are counted, in ms: nobody tells when one goes that only listened. */
const EVERY = 1_000;

/** Who stands where, in the queue for the lock that goes with syncing. */
export interface TabCensus {
  /** Whether one holds it. */
  readonly held: boolean;
  /** That one, and all who wait for it. */
  readonly open: number;
}

/** Counts the tabs that share under this name: each stands in the queue for one lock, which the browser keeps, crashes and all. Emits at once, and then each change. */
export function tabCensus(name: string): Observable<TabCensus> {
  return merge(timer(0, EVERY), fromEvent(document, "visibilitychange")).pipe(
    exhaustMap(() => navigator.locks.query()),
    map(({ held = [], pending = [] }) => {
      const ours = (locks: readonly LockInfo[]) =>
        locks.filter((lock) => lock.name?.endsWith(`/${name}`) === true).length;
      return { held: ours(held) > 0, open: ours(held) + ours(pending) };
    }),
    distinctUntilChanged((a, b) => a.held === b.held && a.open === b.open),
    catchError(() => EMPTY), // denied: then sharing is, too, which is told elsewhere
  );
}
