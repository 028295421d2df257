import { Subscription, timer, type SchedulerLike } from "rxjs";

/** First wait before a retry, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_WAIT = 1_000;
const MAX_WAIT = 60_000;

/** Schedules retries of a failing operation, with growing waits. */
export class Retry {
  readonly #scheduler: SchedulerLike;
  readonly #again: () => void;
  #wait = 0;
  #timer: Subscription | undefined;
  #error: unknown;

  constructor(scheduler: SchedulerLike, again: () => void) {
    this.#scheduler = scheduler;
    this.#again = again;
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  get error(): unknown {
    return this.#error;
  }

  /** Starts the wait and returns it, in ms. */
  failed(error: unknown): number {
    this.#error = error ?? new Error("unknown error");
    this.#wait = Math.min(this.#wait === 0 ? FIRST_WAIT : this.#wait * 2, MAX_WAIT);
    this.#timer?.unsubscribe();
    this.#timer = timer(this.#wait, this.#scheduler).subscribe(() => {
      this.#timer = undefined;
      this.#again();
    });
    return this.#wait;
  }

  succeeded(): void {
    this.#wait = 0;
    this.#error = undefined;
    this.end();
  }

  end(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
