import type { SchedulerAction, SchedulerLike, Subscription } from "rxjs";

/** The timers of browsers and of Node in virtual time: a delay that is no 32-bit integer counts as 1 ms. HTML, "Timers". */
export class PlatformTimers implements SchedulerLike {
  readonly #scheduler: SchedulerLike;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  now(): number {
    return this.#scheduler.now();
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const taken = delay > 2 ** 31 - 1 ? 1 : delay;
    return state === undefined ? this.#scheduler.schedule(work, taken) : this.#scheduler.schedule(work, taken, state);
  }
}
