import type { Caller, Page } from "../../properties/page.js";
import type { Meddler } from "../../properties/world.js";
import type { Fault, Operation } from "./faults.js";
import { FaultyStore, type FaultPlan } from "./faulty-store.js";

/** With which operation something is to go wrong, of all that the trackers of a history begin, counted from 0; and what. */
export interface PlannedFault {
  readonly index: number;
  readonly fault: Fault;
}

/** Counts the operations that the trackers of one history begin, and lets the planned one go wrong. */
export class Operations implements Meddler, FaultPlan {
  /** What was begun until the commands were through. */
  readonly begun: Operation[] = [];
  /** The operation that went wrong; an operation that is unsubscribed before it takes effect does not. */
  hit: Operation | undefined;
  readonly #planned: PlannedFault | undefined;
  #onlooker: Caller | undefined;
  #counting = true;

  constructor(planned?: PlannedFault) {
    this.#planned = planned;
  }

  /** How many lists the page that was opened after a crash found saved and not outdated. */
  get foundCurrent(): number {
    return [...(this.#onlooker?.last?.values() ?? [])].filter(({ freshness }) => freshness === "current").length;
  }

  storeFor(page: Page): FaultyStore {
    return new FaultyStore(page, this);
  }

  reopened(onlooker: Caller): void {
    this.#onlooker = onlooker;
  }

  leave(): void {
    this.#counting = false;
  }

  begin(operation: Operation): Fault | undefined {
    if (!this.#counting) return undefined;
    const index = this.begun.push(operation) - 1;
    return index === this.#planned?.index ? this.#planned.fault : undefined;
  }
}
