import { Observable, Subject, takeUntil, type MonoTypeOperatorFunction } from "rxjs";

/**
 * Has the source unsubscribed from inside a function, when the subscriber leaves.
 * @param within calls `leave`, and may do something before and after it
 */
export function leaving<T>(within: (leave: () => void) => void): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const left$ = new Subject<void>();
      // Added before the source's own teardown, so it comes first.
      subscriber.add(() => {
        within(() => {
          left$.next();
        });
      });
      source.pipe(takeUntil(left$)).subscribe(subscriber);
    });
}
