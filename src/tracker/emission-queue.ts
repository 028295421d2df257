/**
 * The order in which the outside is told: first the state knows, and every write that follows from it is queued; then emissions go out, one after the other.
 *
 * Without it a subscriber of the first emission could act between two halves of one step (its query could be saved before the step is committed),
 * and one that gives the next step from inside an emission would make later subscribers see the two in the wrong order.
 */
export class Emissions {
  readonly #queue: (() => void)[] = [];
  #holding = 0;
  #emitting = false;

  /** Emits now, or when everything that was pushed before has been emitted and nothing is being held. */
  push(emission: () => void): void {
    this.#queue.push(emission);
    this.#drain();
  }

  /** Does something as one: what it pushes is emitted after it. */
  hold<T>(action: () => T): T {
    this.#holding++;
    try {
      return action();
    } finally {
      this.#holding--;
      this.#drain();
    }
  }

  #drain(): void {
    if (this.#holding > 0 || this.#emitting) return;
    this.#emitting = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
    } finally {
      this.#emitting = false;
    }
  }
}
