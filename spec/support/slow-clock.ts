import type { TestScheduler } from "rxjs/testing";

/** Makes each look at the clock take so long, in ms: what is done in slices then takes several tasks of one frame. */
export function slowClock(scheduler: TestScheduler, takes = 3): void {
  const now = scheduler.now.bind(scheduler);
  let spent = 0;
  scheduler.now = () => now() + (spent += takes);
}
