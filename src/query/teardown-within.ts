import { Observable, Subject, takeUntil, type MonoTypeOperatorFunction } from "rxjs";

/**
 * Runs the source's teardown inside `within` when the subscriber unsubscribes.
 * @param within calls `teardown`, and may act before and after it
 */
export function teardownWithin<T>(within: (teardown: () => void) => void): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const left$ = new Subject<void>();
      // Added before the source's own teardown, so it runs first.
      subscriber.add(() => {
        within(() => {
          left$.next();
        });
      });
      source.pipe(takeUntil(left$)).subscribe(subscriber);
    });
}
