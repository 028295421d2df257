import {
  AsyncSubject,
  catchError,
  defer,
  EMPTY,
  finalize,
  from,
  merge,
  mergeMap,
  of,
  shareReplay,
  switchMap,
  type Observable,
} from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Answer } from "./answer.js";
import { teardownWithin } from "./teardown-within.js";
import { QueryRequest, type QueryPorts } from "./query-request.js";

/** One user's query: waiting for a request, or carried by one. */
interface Entry {
  readonly userId: UserId;
  readonly timeout: number | undefined;
  /** Emits the request that carries the user, once there is one. */
  readonly request$: AsyncSubject<QueryRequest>;
  /** The user's part of that request's answers, shared by all of its callers. */
  readonly answer$: Observable<Answer>;
  request?: QueryRequest;
  isForced: boolean;
}

/** Bounds of the requests. */
export interface QueryLimits {
  readonly maxUsersPerQuery: number;
  readonly maxConcurrentQueries: number;
}

/** How a caller queries. */
export interface AskOptions {
  /** How long the homeserver may wait for other homeservers, in ms. */
  readonly timeout?: number | undefined;
  /** Whether a response that has arrived already is too old, and a list that another query saved is no substitute. */
  readonly forced?: boolean | undefined;
  /** Called if a user's request fails; the others go on. Without it, the first failure fails the call. */
  readonly onFailure?: ((userId: UserId, error: unknown) => void) | undefined;
}

/**
 * The queries for users: at most one un-superseded query in flight per user, however many callers come and go.
 *
 *     ask(A, B)     a──────────┐ one request for A and B
 *     ask(B)            b──────┤ joins it
 *     B changes           ×    │ B's part is superseded: callers that wait get it,
 *     ask(B)                b──┼──────┐ but a caller from then on gets a new query
 *                              A B    B
 *
 * A query can be joined while it is on the wire. Once its response has arrived, only a caller joins for whom it will be
 * current: its answer must not be older than the question.
 *
 * While `maxConcurrentQueries` requests are in flight, users wait and merge into the next ones: coalescing needs no
 * timer. A request with a superseded user does not count, so that hanging servers do not block all users; there are
 * never more than twice as many in all.
 */
export class Queries {
  readonly #ports: QueryPorts;
  readonly #limits: QueryLimits;
  /**
   * Entries that can be joined, by user. Only an entry's own request, superseding, or the teardown of its last caller
   * before there is one removes it.
   */
  readonly #entries = new Map<UserId, Entry>();
  /** Entries without a request, in the order of their arrival; users with different timeouts never share one. */
  readonly #waiting = new Set<Entry>();
  readonly #inFlight = new Set<QueryRequest>();
  #isHeld = false;
  #isClosed = false;

  constructor(ports: QueryPorts, limits: QueryLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /** Each user's answer as it arrives, from the query in flight or a new one. */
  ask(userIds: readonly UserId[], { timeout, forced = false, onFailure }: AskOptions = {}): Observable<Answer> {
    return defer(() => {
      const entries = userIds.map((userId) => this.#join(userId, timeout, forced));
      const send$ = defer(() => {
        this.send();
        return EMPTY;
      });
      // All users of the call are subscribed to before anything is sent, so that requests hold as many of them as they
      // may.
      const answers$ = from(entries).pipe(
        mergeMap((entry) => {
          const { userId } = entry;
          const answer$ = this.#notOlder(entry, timeout);
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
      teardownWithin((teardown) => {
        this.#hold(teardown);
      }),
    );
  }

  /**
   * Marks what is in flight for these users: a change arrived, and the answer may not include it. Users who wait for a
   * request are not affected. This may make room for other requests: {@link send} them once the commit of the change is
   * queued.
   */
  supersede(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const entry = this.#entries.get(userId);
      if (entry?.request === undefined) continue;
      entry.request.supersede(userId);
      this.#entries.delete(userId);
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Sends what waits, as far as there is room. */
  send(): void {
    if (this.#isHeld) return; // a response that arrived at once, or a caller's teardown: the loop below goes on
    this.#hold(() => {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) this.#start(batch);
    });
  }

  /** An answer that had arrived before the question, and turns out not to be current, is older than it. */
  #notOlder({ userId, answer$, request }: Entry, timeout: number | undefined): Observable<Answer> {
    if (request?.hasResponse !== true) return answer$;
    return answer$.pipe(switchMap((answer) => (answer.superseded ? this.ask([userId], { timeout }) : of(answer))));
  }

  #join(userId: UserId, timeout: number | undefined, forced: boolean): Entry {
    const known = this.#entries.get(userId);
    const entry =
      known === undefined || (forced && known.request?.hasResponse === true) ? this.#add(userId, timeout) : known;
    if (forced) {
      entry.isForced = true;
      entry.request?.force(userId);
    }
    return entry;
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
          if (this.#waiting.delete(entry) && this.#entries.get(userId) === entry) this.#entries.delete(userId); // never sent, and nothing waits for it
        }),
        // Reset when the last caller unsubscribes; a caller that comes while the request still exists joins it again.
        shareReplay({ bufferSize: 1, refCount: true }),
      ),
      isForced: false,
    };
    this.#entries.set(userId, entry);
    this.#waiting.add(entry);
    return entry;
  }

  /** Defers sending during an action: while a caller tears down, its abandoned users must not be requested. */
  #hold(action: () => void): void {
    const wasHeld = this.#isHeld;
    this.#isHeld = true;
    action();
    this.#isHeld = wasHeld;
    if (!wasHeld && this.#nextBatch().length > 0) this.send();
  }

  #nextBatch(): readonly Entry[] {
    const [first] = this.#waiting;
    if (first === undefined || this.#isClosed || !this.#hasRoom()) return [];
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
    const request: QueryRequest = new QueryRequest(userIds, batch[0]?.timeout, this.#ports, {
      onResponse: (isReachable) => {
        this.#inFlight.delete(request);
        // These will not be current for any caller.
        this.#remove(batch.filter(({ userId }) => request.revisions.get(userId) === undefined || !isReachable(userId)));
        this.send();
      },
      onSettled: () => {
        this.#remove(batch);
      },
      onEnd: () => {
        this.#inFlight.delete(request);
        this.send();
      },
    });
    this.#inFlight.add(request);
    for (const entry of batch) {
      this.#waiting.delete(entry);
      entry.request = request;
      if (entry.isForced) request.force(entry.userId);
    }
    for (const { request$ } of batch) {
      request$.next(request);
      request$.complete();
    }
  }

  #remove(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.#entries.get(entry.userId) === entry) this.#entries.delete(entry.userId);
  }
}
