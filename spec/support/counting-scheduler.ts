import type { SchedulerAction, SchedulerLike, Subscription } from "rxjs";

/** A scheduler that counts its pending timers. */
export class CountingScheduler implements SchedulerLike {
  readonly #scheduler: SchedulerLike;
  readonly #pending = new Set<Subscription>();

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

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
