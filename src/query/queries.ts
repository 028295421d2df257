import {
  catchError,
  defer,
  EMPTY,
  filter,
  finalize,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  takeWhile,
  type Observable,
} from "rxjs";
import type { CountActivity } from "../model/activity.js";
import type { UserId } from "../model/ids.js";
import type { Answer } from "./answer.js";
import { FailedServers } from "./failed-servers.js";
import { QueryRequest, type QueryPorts } from "./query-request.js";
import { RequestQueue, type QueryLimits, type Queued } from "./request-queue.js";
import { teardownWithin } from "./teardown-within.js";

/** One user's query: waiting for a request, or carried by one. */
interface Entry extends Queued {
  readonly userId: UserId;
  request?: QueryRequest;
  /** Calls that wait for it to be sent: without any, it is not. */
  callers: number;
  isForced: boolean;
  /** Whether it goes on without callers. */
  isKept: boolean;
  /** Whether nothing more will come of it. */
  isOver: boolean;
}

/** What queries need. */
export interface QueriesPorts extends QueryPorts {
  readonly count: CountActivity;
}

/** How a caller queries. */
export interface AskOptions {
  /** How long the homeserver may wait for other homeservers, in ms. */
  readonly timeout?: number | undefined;
  /** Whether a response that has arrived already is too old, and a list that another query saved is no substitute. */
  readonly forced?: boolean | undefined;
  /** Whether the caller has an answer already, and other callers must not wait for these users. */
  readonly background?: boolean | undefined;
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
 */
export class Queries {
  /** What the responses say of homeservers. */
  readonly servers: FailedServers;
  readonly #ports: QueriesPorts;
  /**
   * Entries that can be joined, by user. Only an entry's own request, superseding, or the teardown of its last caller
   * before there is one removes it.
   */
  readonly #entries = new Map<UserId, Entry>();
  readonly #queue: RequestQueue<Entry>;
  readonly #begun$ = new Subject<{ readonly request: QueryRequest; readonly batch: readonly Entry[] }>();

  constructor(ports: QueriesPorts, limits: QueryLimits) {
    this.#ports = ports;
    this.servers = new FailedServers(ports.ownUserId, ports.scheduler);
    this.#queue = new RequestQueue(
      limits,
      (batch) => {
        this.#start(batch);
      },
      ports.count,
    );
  }

  /** Each user's answer as it arrives, from the query in flight or a new one. */
  ask(userIds: readonly UserId[], options: AskOptions = {}): Observable<Answer> {
    const { timeout, onFailure } = options;
    return defer(() => {
      const entries = userIds.map((userId) => this.#join(userId, options));
      const arrived = new Set(
        entries.filter(({ request }) => request?.hasResponse === true).map(({ userId }) => userId),
      );
      // An answer that had arrived before the question, and turns out not to be current, is older than it.
      const isOlder = ({ userId, superseded }: Answer) => superseded && arrived.has(userId);
      const answers$ = this.#answers(entries, onFailure);
      const notOlder$ = answers$.pipe(
        mergeMap((answer) => (isOlder(answer) ? this.ask([answer.userId], { timeout, onFailure }) : of(answer))),
      );
      const send$ = defer(() => {
        this.send();
        return EMPTY;
      });
      // All users of the call wait before anything is sent, so that requests hold as many of them as they may.
      return merge(arrived.size === 0 ? answers$ : notOlder$, send$);
    }).pipe(
      teardownWithin((teardown) => {
        this.#queue.hold(teardown);
      }),
    );
  }

  /**
   * Queries users in the background, without a caller: their lists are cached when they are there. Ends with the answer
   * or the tracker. While it goes on, another call changes nothing.
   */
  keep(userIds: readonly UserId[], timeout?: number): void {
    const entries = userIds.map((userId) => this.#join(userId, { timeout, background: true }));
    const added = entries.filter(({ isKept }) => !isKept);
    if (added.length === 0) return;
    for (const entry of added) entry.isKept = true;
    this.#answers(added, () => {}).subscribe(); // if one fails, the next lookup queries again
    this.send();
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
      this.#ports.count({ superseded: 1 });
      this.#entries.delete(userId);
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#queue.close();
  }

  /** Sends what waits, as far as there is room. */
  send(): void {
    this.#queue.send();
  }

  /**
   * The answers of these entries: one subscription for each request that carries some of them, whoever else it carries
   * users for.
   */
  #answers(entries: readonly Entry[], onFailure: AskOptions["onFailure"]): Observable<Answer> {
    return defer(() => {
      const unsent = new Set(entries.filter(({ request }) => request === undefined));
      for (const entry of unsent) entry.callers++;
      const begun$ = this.#begun$.pipe(
        map(({ request, batch }) => ({ request, users: takeFrom(unsent, batch, request), left: unsent.size })),
        filter(({ users }) => users.size > 0),
        takeWhile(({ left }) => left > 0, true),
      );
      return merge(unsent.size === 0 ? EMPTY : begun$, sentIn(entries)).pipe(
        mergeMap(({ request, users }) => {
          const answers$ = request.answersOf(users);
          if (onFailure === undefined) return answers$;
          return answers$.pipe(
            catchError((error: unknown) => {
              for (const userId of users) onFailure(userId, error);
              return EMPTY;
            }),
          );
        }),
        finalize(() => {
          for (const entry of unsent) this.#leave(entry);
        }),
      );
    });
  }

  /** A call does not wait for it any more. */
  #leave(entry: Entry): void {
    if (--entry.callers > 0 || !this.#queue.delete(entry)) return;
    this.#ports.count({ toFetch: -1 });
    if (this.#entries.get(entry.userId) === entry) this.#entries.delete(entry.userId);
  }

  #join(userId: UserId, { timeout, forced = false, background = false }: AskOptions): Entry {
    const known = this.#entries.get(userId);
    const entry =
      known === undefined || (forced && known.request?.hasResponse === true)
        ? this.#add(userId, timeout, background)
        : known;
    if (!background) this.#queue.bringForward(entry);
    if (forced) {
      entry.isForced = true;
      entry.request?.force(userId);
    }
    return entry;
  }

  #add(userId: UserId, timeout: number | undefined, isBackground: boolean): Entry {
    const entry: Entry = { userId, timeout, callers: 0, isForced: false, isBackground, isKept: false, isOver: false };
    this.#entries.set(userId, entry);
    this.#ports.count({ toFetch: 1 });
    this.#queue.add(entry);
    return entry;
  }

  #start(batch: readonly Entry[]): void {
    const userIds = batch.map(({ userId }) => userId);
    const sentAt = this.#ports.scheduler.now();
    const request: QueryRequest = new QueryRequest(userIds, batch[0]?.timeout, this.#ports, {
      onResponse: (response) => {
        this.#queue.ended(request);
        this.servers.learn(response, userIds, sentAt);
        // These will not be current for any caller.
        const isUncached = (userId: UserId) =>
          request.revisions.get(userId) === undefined || !response.isReachable(userId);
        this.#remove(batch.filter(({ userId }) => isUncached(userId)));
        this.send();
      },
      onSettled: (settled) => {
        const users = new Set(settled);
        const over = batch.filter(({ userId }) => users.has(userId));
        this.#remove(over);
        this.#countFetched(over);
      },
      onEnd: () => {
        this.#queue.ended(request);
        this.send();
      },
    });
    this.#queue.begun(request, batch);
    for (const entry of batch) {
      entry.request = request;
      if (entry.isForced) request.force(entry.userId);
    }
    // Held until all callers have subscribed: the first one may unsubscribe before the next one subscribes.
    const held = request.answers$.subscribe({ error: () => {} });
    this.#begun$.next({ request, batch });
    held.unsubscribe();
  }

  #countFetched(entries: readonly Entry[]): void {
    const over = entries.filter(({ isOver }) => !isOver);
    for (const entry of over) entry.isOver = true;
    if (over.length > 0) this.#ports.count({ fetched: over.length });
  }

  #remove(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.#entries.get(entry.userId) === entry) this.#entries.delete(entry.userId);
  }
}

/** A request, and the users whose answers a call waits for. */
interface Awaited {
  readonly request: QueryRequest;
  readonly users: Set<UserId>;
}

/** Takes those out of the set that a request carries. */
function takeFrom(unsent: Set<Entry>, batch: readonly Entry[], request: QueryRequest): Set<UserId> {
  const isShort = unsent.size < batch.length; // thousands of calls may wait, each for one user
  const carried = isShort
    ? Array.from(unsent).filter((entry) => entry.request === request)
    : batch.filter((entry) => unsent.has(entry));
  for (const entry of carried) unsent.delete(entry);
  return new Set(carried.map(({ userId }) => userId));
}

/** The requests that carry these entries already. */
function sentIn(entries: readonly Entry[]): readonly Awaited[] {
  const awaited = new Map<QueryRequest, Set<UserId>>();
  for (const { userId, request } of entries) {
    if (request === undefined) continue;
    const users = awaited.get(request) ?? new Set();
    awaited.set(request, users.add(userId));
  }
  return Array.from(awaited, ([request, users]) => ({ request, users }));
}
