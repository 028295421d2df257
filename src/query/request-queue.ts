import type { CountActivity } from "../model/activity.js";
import type { QueryRequest } from "./query-request.js";

export interface QueryLimits {
  readonly maxUsersPerQuery: number;
  readonly maxConcurrentQueries: number;
}

/** One user's query, as the queue sees it. */
export interface Queued {
  readonly timeout: number | undefined;
  /** True if callers already have an answer. */
  isBackground: boolean;
}

/**
 * Queues queries in order of arrival and caps the requests in flight.
 *
 * While `maxConcurrentQueries` requests are in flight, users wait and merge into the next ones: coalescing needs no
 * timer. A request with a superseded user does not count, so that hanging servers do not block all users; there are
 * never more than twice as many in all.
 *
 * Users with different timeouts never share a request. Background queries are for servers that make a request slow, so
 * they never share one with other queries, and have one request at a time beside the cap: no caller waits for them.
 */
export class RequestQueue<Q extends Queued> {
  readonly #limits: QueryLimits;
  readonly #start: (batch: readonly Q[]) => void;
  readonly #count: CountActivity;
  readonly #waiting = new Set<Q>();
  readonly #waitingInBackground = new Set<Q>();
  readonly #inFlight = new Set<QueryRequest>();
  #background: QueryRequest | undefined;
  #isHeld = false;
  #isClosed = false;

  /** @param start sends a request, after it has {@link begun}; later it has {@link ended} */
  constructor(limits: QueryLimits, start: (batch: readonly Q[]) => void, count: CountActivity) {
    this.#limits = limits;
    this.#start = start;
    this.#count = count;
  }

  add(query: Q): void {
    this.#setOf(query).add(query);
    this.#count({ waiting: 1 });
  }

  /** A caller now waits for this query, whether it has been sent or not. */
  bringForward(query: Q): void {
    if (!query.isBackground) return;
    const isWaiting = this.delete(query);
    query.isBackground = false;
    if (isWaiting) this.add(query);
  }

  /** Returns true if the query was queued. */
  delete(query: Q): boolean {
    const wasWaiting = this.#setOf(query).delete(query);
    if (wasWaiting) this.#count({ waiting: -1 });
    return wasWaiting;
  }

  begun(request: QueryRequest, batch: readonly Q[]): void {
    if (batch[0]?.isBackground === true) this.#background = request;
    else this.#inFlight.add(request);
    this.#count({ inFlight: 1 });
    for (const query of batch) this.delete(query);
  }

  /** The request is no longer in flight. Call {@link send} for queued queries. */
  ended(request: QueryRequest): void {
    if (!this.#inFlight.delete(request) && this.#background !== request) return;
    if (this.#background === request) this.#background = undefined;
    this.#count({ inFlight: -1 });
  }

  /** Sends queued queries while there is room. */
  send(): void {
    if (this.#isHeld) return; // a response that arrived at once, or a caller's teardown: the loop below goes on
    this.hold(() => {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) this.#start(batch);
    });
  }

  /** Defers sending while a caller tears down, so that its abandoned users are not requested. */
  hold(action: () => void): void {
    const wasHeld = this.#isHeld;
    this.#isHeld = true;
    action();
    this.#isHeld = wasHeld;
    if (!wasHeld && this.#nextBatch().length > 0) this.send();
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #setOf({ isBackground }: Q): Set<Q> {
    return isBackground ? this.#waitingInBackground : this.#waiting;
  }

  #nextBatch(): readonly Q[] {
    if (this.#isClosed) return [];
    if (this.#waiting.size > 0 && this.#hasRoom()) return this.#firstOf(this.#waiting);
    return this.#background === undefined ? this.#firstOf(this.#waitingInBackground) : [];
  }

  /** Returns a request's worth of queries with the same timeout as the first one. */
  #firstOf(waiting: ReadonlySet<Q>): readonly Q[] {
    const batch: Q[] = [];
    for (const query of waiting) {
      if (batch.length >= this.#limits.maxUsersPerQuery) break;
      if (query.timeout === (batch[0] ?? query).timeout) batch.push(query);
    }
    return batch;
  }

  #hasRoom(): boolean {
    const { maxConcurrentQueries } = this.#limits;
    if (this.#inFlight.size >= 2 * maxConcurrentQueries) return false;
    let counted = 0;
    for (const request of this.#inFlight) if (!request.superseded) counted++;
    return counted < maxConcurrentQueries;
  }
}
