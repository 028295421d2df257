import { concatMap, defer, delay, of, tap, type MonoTypeOperatorFunction, type SchedulerLike } from "rxjs";

/** How long a page may be kept busy at a time, in ms: half of the 16 ms between two frames. */
const SLICE = 8;

/**
 * Emits values as long as their subscriber takes less than {@link SLICE} ms in all, and then goes on in a new task, so
 * that the page can do other things in between. In virtual time, which stands still meanwhile, everything is one task.
 */
export function inSlices<T>(scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      let until = scheduler.now() + SLICE;
      const rested = (value: T) =>
        of(value).pipe(
          delay(0, scheduler),
          tap(() => (until = scheduler.now() + SLICE)),
        );
      return source.pipe(concatMap((value) => (scheduler.now() < until ? of(value) : rested(value))));
    });
}
