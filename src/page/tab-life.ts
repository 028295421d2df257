import { combineLatest, distinctUntilChanged, fromEvent, map, merge, type Observable, of, startWith } from "rxjs";

/**
 * Emits whether this tab is asleep: frozen by the browser, or in the back/forward cache. Emits the current state first,
 * then each change, synchronously within the browser's event.
 *
 * ```
 * freeze     --f---------
 * resume     ------r-----
 *            a-z---a-----     a: awake, z: asleep
 * ```
 *
 * Browsers have no property for this, so a tab counts as awake at subscription. A page that is being unloaded is asleep
 * from `pagehide` on. A sleep without events (a suspended process, a debugger) is not noticed, nor is any sleep if
 * there is no page (a worker, Node).
 *
 * @see https://wicg.github.io/page-lifecycle/
 */
export function asleep(): Observable<boolean> {
  if (!hasPage()) return of(false);
  return combineLatest([between(fromEvent(document, "freeze"), fromEvent(document, "resume")), cached()]).pipe(
    map(([isFrozen, isCached]) => isFrozen || isCached),
    distinctUntilChanged(),
  );
}

/**
 * Emits whether this page is in the back/forward cache, or being unloaded. Like {@link asleep}, but without frozen
 * tabs: those still receive messages, whereas a message to a page in the cache evicts it.
 *
 * @see https://web.dev/articles/bfcache
 */
export function cached(): Observable<boolean> {
  if (!hasPage()) return of(false);
  return between(fromEvent(globalThis, "pagehide"), fromEvent(globalThis, "pageshow")).pipe(distinctUntilChanged());
}

const hasPage = () => typeof document !== "undefined";

const between = (begin$: Observable<unknown>, end$: Observable<unknown>): Observable<boolean> =>
  merge(begin$.pipe(map(() => true)), end$.pipe(map(() => false))).pipe(startWith(false));
