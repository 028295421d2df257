import type { Tracking } from "../sync/tracking.js";
import type { EmissionQueue } from "./emission-queue.js";
import type { Gate } from "./gate.js";

/**
 * Whether steps may be missing: a gap is being closed, or the store is ahead of memory. While they may be, changes and
 * lookups wait at the gate, and no list is called current.
 */
export class Doubt {
  readonly #gate: Gate;
  readonly #tracking: Tracking;
  readonly #emissions: EmissionQueue;
  #isGapOpen = false;
  #isBehind = false;

  constructor(gate: Gate, tracking: Tracking, emissions: EmissionQueue) {
    this.#gate = gate;
    this.#tracking = tracking;
    this.#emissions = emissions;
  }

  setGapOpen(isGapOpen: boolean): void {
    this.#isGapOpen = isGapOpen;
    this.#update();
  }

  /** @param isBehind whether the store is known, or suspected, to be ahead of memory */
  setBehind(isBehind: boolean): void {
    this.#isBehind = isBehind;
    this.#update();
  }

  /** The store cannot be read, which may last: lookups must not hang, and go on in doubt. */
  goOnInDoubt(): void {
    if (!this.#isGapOpen) this.#open();
  }

  #update(): void {
    const isInDoubt = this.#isGapOpen || this.#isBehind;
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
