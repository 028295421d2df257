import { Subject, type Observable, type SchedulerLike } from "rxjs";
import type { Happening, Note, TrackerEvent } from "./happening.js";

/** How long the diagram's time goes on after the last thing happened, in ms. */
const REST_AFTER = 1_500;
/** A shorter rest is not worth a mark in the diagram, in ms. */
const SHORTEST_REST = 1_000;

const OPENS: ReadonlySet<TrackerEvent["type"]> = new Set(["query-sent", "asked"]);
const CLOSES: ReadonlySet<TrackerEvent["type"]> = new Set([
  "query-answered",
  "query-aborted",
  "query-failed",
  "told",
  "gave-up",
  "call-failed",
]);

/**
 * Stamps events with the diagram's time: real time, except that it stands still while nothing is on its way and nothing has
 * happened for a moment. So the diagram flows only when there is something to see, and an hour of nothing is a small mark in it.
 */
export class Recorder {
  readonly #happenings = new Subject<Happening>();
  readonly happenings$: Observable<Happening> = this.#happenings;
  readonly #start: number;
  #skipped = 0;
  #last = 0;
  #open = 0;

  constructor(readonly scheduler: SchedulerLike) {
    this.#start = scheduler.now();
  }

  readonly note: Note = (event) => {
    const skipped = this.#running() - this.now();
    this.#skipped += skipped;
    this.#last = this.now();
    if (OPENS.has(event.type)) this.#open++;
    if (CLOSES.has(event.type)) this.#open--;
    const at = this.#last;
    if (skipped >= SHORTEST_REST) this.#happenings.next({ type: "rested", skipped, at });
    this.#happenings.next({ ...event, at });
  };

  /** The diagram's time, in ms. */
  now(): number {
    return this.#open > 0 ? this.#running() : Math.min(this.#running(), this.#last + REST_AFTER);
  }

  /** Whether the diagram's time stands still until the next event. */
  resting(): boolean {
    return this.#open === 0 && this.#running() >= this.#last + REST_AFTER;
  }

  #running(): number {
    return this.scheduler.now() - this.#start - this.#skipped;
  }
}
