/**
 * The order in which a tracker emits: first memory reflects a change and every write that follows from it is queued;
 * then emissions run, one after the other.
 *
 * Without it a subscriber of the first emission could act between two halves of one step (its query could be saved
 * before the step is committed), and one that causes the next step from inside an emission would make later subscribers
 * see the two in the wrong order.
 */
export class EmissionQueue {
  readonly #queue: (() => void)[] = [];
  #batches = 0;
  #isEmitting = false;

  /** Runs the emission now, or after all that were enqueued before and the end of the current batch. */
  enqueue(emission: () => void): void {
    this.#queue.push(emission);
    this.#drain();
  }

  /** Runs an action as one: what it enqueues is emitted after it. */
  batch<T>(action: () => T): T {
    this.#batches++;
    try {
      return action();
    } finally {
      this.#batches--;
      this.#drain();
    }
  }

  #drain(): void {
    if (this.#batches > 0 || this.#isEmitting) return;
    this.#isEmitting = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
    } finally {
      this.#isEmitting = false;
    }
  }
}
