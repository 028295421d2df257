import { concatMap, defer, NEVER, of, timer, type Observable } from "rxjs";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import type { Call, Facts, Query } from "./facts.js";
import type { Event, Setup } from "./history.js";
import { readSaved, type Saved } from "./saved.js";
import { Server } from "./server.js";
import { Trace } from "./trace.js";
import { VirtualClock } from "./virtual-clock.js";

/** What the test injected; a lookup may fail with it. */
export class InjectedError extends Error {
  override readonly name = "InjectedError";
}

/** More requests and store operations than any history needs. */
const MOST_OPERATIONS = 10_000;

/** What all tabs of a history have in common. */
export class Surroundings {
  readonly setup: Setup;
  readonly clock = new VirtualClock();
  readonly trace: Trace;
  readonly server: Server;
  readonly records: DeviceStore = memoryStore();
  saved: Saved;
  /** The tracker that has written to the records since they were read. */
  writer: Facts | undefined;
  /** All trackers so far. */
  readonly trackers: Facts[] = [];
  /** Whether each response went on from the newest position that any tracker had been given. */
  isOneLine = true;
  /** All queries, by ID. */
  readonly queries: Query[] = [];
  readonly calls: Call[] = [];
  /** What will go wrong with the next requests. */
  readonly troubles: Extract<Event, { type: "query trouble" | "changes trouble" }>[] = [];
  /** The names of the errors that a lookup may fail with. */
  readonly expectedErrors = new Set<string>();
  #moment = 0;
  #operations = 0;

  constructor(setup: Setup, isTraced: boolean) {
    this.setup = setup;
    this.trace = new Trace(() => this.clock.now(), isTraced);
    this.server = new Server(setup.repeatsTokens, () => this.moment());
    this.saved = readSaved(this.records, this.server);
  }

  /** Numbers what happens, several things at one time included. */
  moment(): number {
    return ++this.#moment;
  }

  /** How long the next operation of a port takes, in ms. */
  delay(): number {
    const { delays } = this.setup;
    if (this.#operations === MOST_OPERATIONS) this.trace.broken("P5", "a tracker spins");
    return delays[this.#operations++ % delays.length] ?? 0;
  }

  /** What the function returns after the next delay; at once if that is 0. */
  later<T>(what: () => T): Observable<T> {
    return defer(() => {
      const delay = this.delay();
      if (this.#operations > MOST_OPERATIONS) return NEVER;
      return delay === 0 ? of(what()) : timer(delay, this.clock).pipe(concatMap(() => of(what())));
    });
  }

  /** What goes wrong with this request, if anything. */
  trouble(type: "query trouble" | "changes trouble"): string | undefined {
    const next = this.troubles.findIndex((trouble) => trouble.type === type);
    return next === -1 ? undefined : this.troubles.splice(next, 1)[0]?.how;
  }
}
