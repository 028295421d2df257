import { combineLatest, distinctUntilChanged, fromEvent, map, merge, type Observable, of, startWith } from "rxjs";

/**
 * Whether this tab is asleep: frozen by the browser, or in the back/forward cache. Emits at once, and then, from inside the browser's events, each change.
 *
 * ```
 * freeze     --f---------
 * resume     ------r-----
 *            a-z---a-----     a: awake, z: asleep
 * ```
 *
 * A page that goes for good is asleep from `pagehide` on. A sleep of which there is no event (a suspended process, a debugger) goes unnoticed here,
 * and where there is no page (a worker, Node) every one does.
 *
 * @see https://wicg.github.io/page-lifecycle/
 */
export function asleep(): Observable<boolean> {
  if (typeof document === "undefined") return of(false);
  const between = (begin$: Observable<unknown>, end$: Observable<unknown>) =>
    merge(begin$.pipe(map(() => true)), end$.pipe(map(() => false))).pipe(startWith(false));
  const frozen$ = between(fromEvent(document, "freeze"), fromEvent(document, "resume"));
  const hidden$ = between(fromEvent(globalThis, "pagehide"), fromEvent(globalThis, "pageshow"));
  return combineLatest([frozen$, hidden$]).pipe(
    map(([frozen, hidden]) => frozen || hidden),
    distinctUntilChanged(),
  );
}
