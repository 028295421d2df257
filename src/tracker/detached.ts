import { defer, ReplaySubject, type Observable } from "rxjs";

/**
 * Runs the source to its end even after unsubscribing, so that it is not left half done. Each subscription runs it
 * anew.
 */
export function detached<T>(source$: Observable<T>): Observable<T> {
  return defer(() => {
    const result$ = new ReplaySubject<T>(Number.POSITIVE_INFINITY);
    source$.subscribe(result$);
    return result$;
  });
}
