import { defer, ReplaySubject, type Observable } from "rxjs";

/**
 * Goes on to its end when it is unsubscribed: what is done by halves then would stay so. Each subscription does it
 * anew.
 */
export function detached<T>(source$: Observable<T>): Observable<T> {
  return defer(() => {
    const result$ = new ReplaySubject<T>(Number.POSITIVE_INFINITY);
    source$.subscribe(result$);
    return result$;
  });
}
