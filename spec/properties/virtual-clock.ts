import { Subscription, type SchedulerAction, type SchedulerLike } from "rxjs";
import { ManualTime } from "../support/manual-time.js";

/** The clock of a world with several tabs. */
export class VirtualClock extends ManualTime {
  /** Whether this timer is still to fire. */
  has(timer: Subscription): boolean {
    return this.actions.some((action) => action === timer);
  }
}

/** One tab's share of the clock: its timers end with the tab. */
export class TabClock implements SchedulerLike {
  readonly #clock: VirtualClock;
  readonly #timers = new Set<Subscription>();
  #stopped = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription {
    if (this.#stopped) return Subscription.EMPTY;
    const timer = this.#clock.schedule(work, delay, state);
    this.#timers.add(timer);
    return timer;
  }

  /** Timers of the tab that are still to fire. */
  get pending(): number {
    for (const timer of this.#timers) if (!this.#clock.has(timer)) this.#timers.delete(timer);
    return this.#timers.size;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.unsubscribe();
    this.#timers.clear();
  }
}
