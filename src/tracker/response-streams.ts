import { defer, EMPTY, Subject, Subscription, throwError, type Observable } from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import type { Outcome } from "../store/rebase.js";
import type { EmissionQueue } from "./emission-queue.js";
import { SyncedResponse } from "./synced-response.js";

export type End = { readonly error: unknown } | "complete";

/**
 * How many responses may wait for `synced$`. Beyond that, the store has failed for a long time, and the two oldest are
 * joined: the result begins where the first began, leads to where the second led, and has the device lists of both.
 */
const MAX_UNSYNCED = 1_000;

/** A response that has been applied, until `synced$` emits it. */
interface Unsynced {
  response: SyncedResponse;
  state: "pending" | "applied" | "durable";
  readonly waiting: Subscription;
}

/** What is emitted between two ends of the sync stream. */
interface Generation {
  readonly applied$: Subject<SyncResponse>;
  readonly synced$: Subject<SyncResponse>;
  readonly unsynced: Unsynced[];
  end: End | undefined;
}

const newGeneration = (): Generation => ({
  applied$: new Subject(),
  synced$: new Subject(),
  unsynced: [],
  end: undefined,
});

/**
 * `applied$` and `synced$`: each response once, in order, as soon as lookups reflect it and as soon as it is durable.
 *
 * A response of a stream that is behind changes what it names but moves no token: `synced$` emits it with the next step
 * that is committed, of its own stream or of another tab's.
 */
export class ResponseStreams {
  /** Ends with the sync stream; later subscribers get what follows. */
  readonly applied$: Observable<SyncResponse> = defer(() => this.#over$ ?? this.#current.applied$);
  readonly synced$: Observable<SyncResponse> = defer(() => this.#over$ ?? this.#current.synced$);
  readonly #responded$ = new Subject<void>();
  readonly #emissions: EmissionQueue;
  #current = newGeneration();
  /** What a subscriber gets after {@link finish}. */
  #over$: Observable<never> | undefined;
  /** Generations with a stream that has ended and last responses that are not durable yet. */
  #ending: Generation[] = [];

  constructor(emissions: EmissionQueue) {
    this.#emissions = emissions;
  }

  /** Emits each time the homeserver answered this tab or another. Never ends. */
  get responded$(): Observable<void> {
    return this.#responded$;
  }

  /** A response of this tab's stream was applied. Its outcome is known when it, and all before it, are durable. */
  applied(response: SyncResponse, outcome$: Observable<Outcome>): void {
    const generation = this.#current;
    this.#emissions.enqueue(() => {
      this.#responded$.next();
      generation.applied$.next(response);
    });
    const unsynced: Unsynced = {
      response: new SyncedResponse(response),
      state: "pending",
      waiting: new Subscription(),
    };
    generation.unsynced.push(unsynced);
    if (generation.unsynced.length > MAX_UNSYNCED) joinOldest(generation.unsynced);
    const settled = (outcome: Outcome) => {
      this.#settle(generation, unsynced, outcome);
    };
    // Fails if the tracker is closed or the store was cleared; the streams end then.
    unsynced.waiting.add(outcome$.subscribe({ next: settled, error: () => {} }));
  }

  /** Another tab committed a step. */
  committedElsewhere(response: SyncResponse): void {
    const generation = this.#current;
    for (const unsynced of generation.unsynced) if (unsynced.state === "applied") unsynced.state = "durable";
    this.#flush(generation);
    this.#emissions.enqueue(() => {
      this.#responded$.next();
      generation.applied$.next(response);
      generation.synced$.next(response);
    });
  }

  /**
   * The sync stream ended. `applied$` ends now; `synced$` ends after the last response is durable, or now if that may
   * take long.
   */
  end(end: End, isStoreFailing: boolean): void {
    const generation = this.#current;
    this.#current = newGeneration();
    this.#emissions.enqueue(() => {
      finish(generation.applied$, end);
    });
    generation.end = end;
    this.#ending.push(generation);
    if (isStoreFailing) this.storeFails();
    else this.#flush(generation);
  }

  /** The store fails, which may last, so streams that are ending no longer wait for it. */
  storeFails(): void {
    for (const generation of this.#ending.splice(0)) {
      for (const { waiting } of generation.unsynced.splice(0)) waiting.unsubscribe();
      this.#flush(generation);
    }
  }

  /** Ends both streams for good. */
  finish(end: End): void {
    const { applied$, synced$ } = this.#current;
    const ending = this.#ending.splice(0);
    this.#over$ = end === "complete" ? EMPTY : throwError(() => end.error);
    this.#emissions.enqueue(() => {
      for (const generation of ending) finish(generation.synced$, end);
      finish(applied$, end);
      finish(synced$, end);
    });
  }

  #settle(generation: Generation, settled: Unsynced, outcome: Outcome): void {
    settled.state = outcome === "committed" ? "durable" : "applied";
    if (outcome === "committed") {
      for (const unsynced of generation.unsynced) {
        if (unsynced === settled) break;
        if (unsynced.state === "applied") unsynced.state = "durable";
      }
    }
    this.#flush(generation);
  }

  #flush(generation: Generation): void {
    const { unsynced, synced$, end } = generation;
    while (unsynced[0]?.state === "durable" || (end !== undefined && unsynced[0]?.state === "applied")) {
      const response = unsynced.shift()?.response.value;
      if (response === undefined) break;
      this.#emissions.enqueue(() => {
        synced$.next(response);
      });
    }
    if (end === undefined || unsynced.length > 0) return;
    this.#ending = this.#ending.filter((one) => one !== generation);
    this.#emissions.enqueue(() => {
      finish(synced$, end);
    });
  }
}

function joinOldest(unsynced: Unsynced[]): void {
  const [oldest, next] = unsynced;
  if (oldest === undefined || next === undefined) return;
  oldest.waiting.unsubscribe();
  next.response.follow(oldest.response);
  unsynced.shift();
}

function finish(subject$: Subject<SyncResponse>, end: End): void {
  if (end === "complete") subject$.complete();
  else if (subject$.observed) subject$.error(end.error); // otherwise RxJS would report it as unhandled
}
