import { concatMap, delay, of, type MonoTypeOperatorFunction, type SchedulerLike } from "rxjs";

/**
 * Emits the first value at once and each other one in a task of its own, so that the page can do other things in
 * between.
 */
export function oneInEachTask<T>(scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return concatMap((value, index) => (index === 0 ? of(value) : of(value).pipe(delay(0, scheduler))));
}
