import { takeLast, throwIfEmpty, type Observable } from "rxjs";

/** The last value of an observable. Rejects if it completes without one, as those of a tracker do when it is closed. */
export const lastValue = <T>(source$: Observable<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    source$.pipe(takeLast(1), throwIfEmpty()).subscribe({ next: resolve, error: reject });
  });
