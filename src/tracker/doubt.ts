import type { Tracking } from "../sync/tracking.js";
import type { EmissionQueue } from "./emission-queue.js";
import type { Gate } from "./gate.js";

/**
 * Tracks whether steps may be missing: a gap is being closed, or the store is ahead of memory. While they may be,
 * changes and lookups wait at the gate, and no list is called current.
 */
export class Doubt {
  readonly #gate: Gate;
  readonly #tracking: Tracking;
  readonly #emissions: EmissionQueue;
  #gaps = 0;
  #isBehind = false;

  constructor(gate: Gate, tracking: Tracking, emissions: EmissionQueue) {
    this.#gate = gate;
    this.#tracking = tracking;
    this.#emissions = emissions;
  }

  /** Call when a change begins to be applied in parts, or when steps are missing before it. */
  openGap(): void {
    this.#gaps++;
    this.#update();
  }

  /** Closes one gap. They may be nested: a step that is applied in parts may begin a long `track()`. */
  closeGap(): void {
    this.#gaps--;
    this.#update();
  }

  /** @param isBehind true if the store is known, or suspected, to be ahead of memory */
  setBehind(isBehind: boolean): void {
    this.#isBehind = isBehind;
    this.#update();
  }

  /** The store cannot be read, which may last: lookups go on in doubt instead of hanging. */
  goOnInDoubt(): void {
    if (this.#gaps === 0) this.#open();
  }

  #update(): void {
    const isInDoubt = this.#gaps > 0 || this.#isBehind;
    if (isInDoubt) this.#gate.close();
    if (this.#tracking.inDoubt === isInDoubt) return;
    this.#tracking.setDoubt(isInDoubt);
    this.#emissions.enqueue(() => {
      this.#tracking.doubtChanged();
    });
    if (!isInDoubt) this.#open();
  }

  #open(): void {
    this.#gate.open();
    // Lookups come after the emissions of what they waited for.
    this.#emissions.enqueue(() => {
      this.#gate.release();
    });
  }
}
