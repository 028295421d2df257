import { takeLast, throwIfEmpty, type Observable } from "rxjs";

/**
 * Resolves with the last value of an Observable. Rejects if it completes without one, as those of a closed tracker do.
 */
export const lastValue = <T>(source$: Observable<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    source$.pipe(takeLast(1), throwIfEmpty()).subscribe({ next: resolve, error: reject });
  });
