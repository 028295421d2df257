import type { SchedulerAction, SchedulerLike, Subscription } from "rxjs";

/** A scheduler that knows which of the timers it was given are still to come. */
export class CountingScheduler implements SchedulerLike {
  readonly #scheduler: SchedulerLike;
  readonly #pending = new Set<Subscription>();

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** How many timers are still to come. */
  get pending(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#scheduler.now();
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription {
    const pending = this.#pending;
    const action =
      state === undefined ? this.#scheduler.schedule(work, delay) : this.#scheduler.schedule(work, delay, state);
    pending.add(action);
    action.add(() => pending.delete(action));
    return action;
  }
}
