import { Subject, type Observable, type SchedulerLike } from "rxjs";
import type { Note, TimedEvent, TrackerEvent } from "./tracker-event.js";

/** How long the diagram's time goes on after the last event, in ms. */
const REST_AFTER = 1_500;
/** A shorter rest is not marked in the diagram, in ms. */
const SHORTEST_REST = 1_000;

const OPENS: ReadonlySet<TrackerEvent["type"]> = new Set(["query-sent", "call-started"]);
const CLOSES: ReadonlySet<TrackerEvent["type"]> = new Set([
  "query-answered",
  "query-aborted",
  "query-failed",
  "call-answered",
  "call-unsubscribed",
  "call-failed",
]);

/**
 * Stamps events with the diagram's time: real time, except that it stands still a moment after the last event if
 * nothing is in flight. So the diagram moves only when there is something to see, and an hour in which nothing happens
 * is a small mark in it.
 */
export class Recorder {
  readonly #events$ = new Subject<TimedEvent>();
  readonly events$: Observable<TimedEvent> = this.#events$;
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
    if (skipped >= SHORTEST_REST) this.#events$.next({ type: "rested", skipped, at });
    this.#events$.next({ ...event, at });
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
