import {
  AsyncSubject,
  catchError,
  defer,
  EMPTY,
  finalize,
  from,
  merge,
  mergeMap,
  shareReplay,
  switchMap,
  type Observable,
} from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Answer } from "./answer.js";
import { leaving } from "./leaving.js";
import { QueryRequest, type QueryPorts } from "./query-request.js";

/** One user's place in the queries: waiting for a request, or carried by one. */
interface Entry {
  readonly userId: UserId;
  readonly timeout: number | undefined;
  /** Gives the request that carries the user, once there is one. */
  readonly request$: AsyncSubject<QueryRequest>;
  /** The user's part of that request's answer, shared by all who wait for it. */
  readonly answer$: Observable<Answer>;
  request?: QueryRequest;
}

/** Bounds of the requests. */
export interface QueryLimits {
  readonly maxUsersPerQuery: number;
  readonly maxConcurrentQueries: number;
}

/**
 * The queries for users: at most one un-superseded at a time for each user, however many callers come and go.
 *
 *     ask(A, B)   a──────────┐ one request for A and B
 *     ask(B)          b──────┤ joins it
 *     change of B       ×    │ B's part is superseded: those who wait get it, but
 *     ask(B)              b──┼──────┐ whoever asks from now on gets a new query
 *                            A B    B
 *
 * While `maxConcurrentQueries` requests are in flight, users wait and merge into the next ones: the coalescing needs no timer. A request with a superseded
 * user does not count, so that servers which hang cannot block everyone; there are never more than twice as many in all.
 */
export class Queries {
  readonly #ports: QueryPorts;
  readonly #limits: QueryLimits;
  /** Un-superseded entries, by user. Only an entry's own request, superseding, or its last caller's leaving before there is one, takes it out. */
  readonly #entries = new Map<UserId, Entry>();
  /** Entries without a request, in the order they came; users whose `timeout` differs never share one. */
  readonly #waiting = new Set<Entry>();
  readonly #inFlight = new Set<QueryRequest>();
  #held = false;

  constructor(ports: QueryPorts, limits: QueryLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /**
   * Each user's answer as it comes, by the user's query in flight or a new one.
   * @param onFailure where it is given, it is told whose request failed, and the others go on; else the first failure is everyone's
   */
  ask(
    userIds: readonly UserId[],
    timeout: number | undefined,
    onFailure?: (userId: UserId, error: unknown) => void,
  ): Observable<Answer> {
    return defer(() => {
      const entries = userIds.map((userId) => this.#entries.get(userId) ?? this.#add(userId, timeout));
      const send$ = defer(() => {
        this.send();
        return EMPTY;
      });
      // First every user of the call is waited for, then requests go out: so they hold as many of them as they may.
      const answers$ = from(entries).pipe(
        mergeMap(({ userId, answer$ }) => {
          if (onFailure === undefined) return answer$;
          return answer$.pipe(
            catchError((error: unknown) => {
              onFailure(userId, error);
              return EMPTY;
            }),
          );
        }),
      );
      return merge(answers$, send$);
    }).pipe(
      leaving((leave) => {
        this.#hold(leave);
      }),
    );
  }

  /**
   * Marks what is in flight for these users: a change came, and it may not be in the answer. A user who waits will be asked for after it.
   * That may make room for others: {@link send} them once the change is on its way to the store.
   */
  supersede(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const entry = this.#entries.get(userId);
      if (entry?.request === undefined) continue;
      entry.request.supersede(userId);
      this.#entries.delete(userId);
    }
  }

  /** Whether a query for this user is on its way or about to be, which a caller now would join. */
  has(userId: UserId): boolean {
    return this.#entries.has(userId);
  }

  /** Users who have been asked for and not yet answered, and have not changed since. */
  askedFor(): readonly UserId[] {
    return Array.from(this.#entries.values()).flatMap(({ userId, request }) => (request === undefined ? [] : [userId]));
  }

  #add(userId: UserId, timeout: number | undefined): Entry {
    const request$ = new AsyncSubject<QueryRequest>();
    const entry: Entry = {
      userId,
      timeout,
      request$,
      answer$: request$.pipe(
        switchMap((request) => request.answerOf(userId)),
        finalize(() => {
          if (this.#waiting.delete(entry)) this.#entries.delete(userId); // nobody waits for it any more, and it was never sent
        }),
        // Reset when the last caller leaves; one who comes while the request is still there joins it again.
        shareReplay({ bufferSize: 1, refCount: true }),
      ),
    };
    this.#entries.set(userId, entry);
    this.#waiting.add(entry);
    return entry;
  }

  /** Sends what waits, as far as there is room. */
  send(): void {
    if (this.#held) return; // an answer that came at once: the loop below goes on; or a call that is leaving
    this.#hold(() => {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) this.#start(batch);
    });
  }

  /** Nothing is sent from inside the action, and what waits after it is sent: a call that leaves must not have sent what waits for it alone. */
  #hold(action: () => void): void {
    const wasHeld = this.#held;
    this.#held = true;
    action();
    this.#held = wasHeld;
    if (!wasHeld && this.#nextBatch().length > 0) this.send();
  }

  #nextBatch(): readonly Entry[] {
    const [first] = this.#waiting;
    if (first === undefined || !this.#hasRoom()) return [];
    const batch: Entry[] = [];
    for (const entry of this.#waiting) {
      if (batch.length >= this.#limits.maxUsersPerQuery) break;
      if (entry.timeout === first.timeout) batch.push(entry);
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

  #start(batch: readonly Entry[]): void {
    const userIds = batch.map(({ userId }) => userId);
    const request = new QueryRequest(userIds, batch[0]?.timeout, this.#ports, {
      answered: () => {
        this.#inFlight.delete(request);
        this.send();
      },
      over: () => {
        for (const entry of batch) if (this.#entries.get(entry.userId) === entry) this.#entries.delete(entry.userId);
      },
      ended: () => {
        this.#inFlight.delete(request);
        this.send();
      },
    });
    this.#inFlight.add(request);
    for (const entry of batch) {
      this.#waiting.delete(entry);
      entry.request = request;
    }
    for (const { request$ } of batch) {
      request$.next(request);
      request$.complete();
    }
  }
}
