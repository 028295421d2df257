import type { TimestampProvider } from "rxjs";

/** How long a leader may take to answer at first, in ms. */
const ONE_SECOND = 1_000;
/** The longest that a leader may ever take, in ms. */
const LONGEST = 32_000;
/** After this long without a deposition, in ms, patience is reset. */
const FORGOTTEN_AFTER = 60_000;

/**
 * How long a leader may take to answer before it is deposed. Each deposition within a minute of the previous one
 * doubles it: on a machine too busy for any tab to answer within a second, tabs deposing each other would only make it
 * busier.
 */
export class Patience {
  readonly #clock: TimestampProvider;
  #ms = ONE_SECOND;
  #lastDeposed = -Infinity;

  constructor(clock: TimestampProvider) {
    this.#clock = clock;
  }

  /** How long a leader that is asked now may take, in ms. */
  get ms(): number {
    return this.#clock.now() - this.#lastDeposed > FORGOTTEN_AFTER ? ONE_SECOND : this.#ms;
  }

  /** Records that a leader is being deposed, by this tab or another. */
  deposed(): void {
    this.#ms = Math.min(LONGEST, this.ms * 2);
    this.#lastDeposed = this.#clock.now();
  }
}
