import { Observable, type MonoTypeOperatorFunction, type SchedulerLike } from "rxjs";

/** How long a page may be kept busy at a time, in ms: half of the 16 ms between two frames. */
const SLICE = 8;

/**
 * Emits values until their subscriber has taken {@link SLICE} ms in all, then goes on in a new task, so that the page
 * can do other work in between. In virtual time, where the clock stands still, everything is one task.
 *
 * Not `concatMap` with a delay, which emits each buffered value from inside the previous one: a thousand of them
 * overflow the stack.
 */
export function inSlices<T>(scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      let next = 0;
      let until = scheduler.now() + SLICE;
      let isBusy = false; // emitting, or waiting for the next task
      let isOver = false;
      const goOn = () => {
        isBusy = true;
        while (next < waiting.length && !subscriber.closed) {
          if (scheduler.now() >= until) {
            subscriber.add(
              scheduler.schedule(() => {
                until = scheduler.now() + SLICE;
                goOn();
              }),
            );
            return;
          }
          subscriber.next(waiting[next++] as T);
        }
        isBusy = false;
        if (isOver) subscriber.complete();
      };
      subscriber.add(
        source.subscribe({
          next: (value) => {
            waiting.push(value);
            if (!isBusy) goOn();
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            isOver = true;
            if (!isBusy) subscriber.complete();
          },
        }),
      );
    });
}
