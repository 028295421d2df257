/**
 * Orders a tracker's emissions: first memory reflects a change and every resulting write is queued; then emissions run,
 * one after the other.
 *
 * Otherwise, a subscriber of the first emission could act between two halves of one step: its query could be saved
 * before the step is committed. And if it caused the next step, later subscribers would see the two in the wrong order.
 */
export class EmissionQueue {
  readonly #queue: (() => void)[] = [];
  #batches = 0;
  #isEmitting = false;

  /** Runs the emission after all earlier ones and the end of the current batch; at once if there are none. */
  enqueue(emission: () => void): void {
    this.#queue.push(emission);
    this.#drain();
  }

  /** Runs an action as a unit: what it enqueues is emitted after it. */
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
