import { type MonoTypeOperatorFunction, Observable } from "rxjs";

/**
 * Holds what the source emits while `asleep$` says so, and then emits it in order.
 *
 * ```
 * source     a--b--c--d---
 * asleep$    f-t------f---
 *            a--------(bcd)
 * ```
 *
 * @param limit how many are held; of more the oldest are dropped
 */
export function holdWhile<T>(asleep$: Observable<boolean>, limit: number): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<T>((subscriber) => {
      const held: T[] = [];
      let holding = false;
      subscriber.add(
        asleep$.subscribe((asleep) => {
          holding = asleep;
          if (!asleep) for (const value of held.splice(0)) subscriber.next(value);
        }),
      );
      subscriber.add(
        source.subscribe({
          next: (value) => {
            if (!holding) subscriber.next(value);
            else if (held.push(value) > limit) held.shift();
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            subscriber.complete();
          },
        }),
      );
    });
}
