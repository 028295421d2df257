import type { SchedulerLike } from "rxjs";
import { MAX_DEVICES_PER_TRANSACTION } from "../model/batch-sizes.js";

/** How long a transaction may keep the page busy with comparing devices, in ms. */
const LONG = 32;

/**
 * How many devices one transaction compares: half as many after one that took long, and twice as many after one that
 * took less than half of that. In virtual time, none takes long.
 */
export class Pace {
  readonly #scheduler: SchedulerLike;
  #devices = MAX_DEVICES_PER_TRANSACTION;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  get devices(): number {
    return this.#devices;
  }

  /** Compares so many devices. */
  measure<T>(devices: number, compare: () => T): T {
    const started = this.#scheduler.now();
    const result = compare();
    const took = this.#scheduler.now() - started;
    if (took > LONG && devices > 0) this.#devices = Math.ceil(this.#devices / 2);
    else if (took < LONG / 2 && 2 * devices > this.#devices)
      this.#devices = Math.min(2 * this.#devices, MAX_DEVICES_PER_TRANSACTION);
    return result;
  }
}
