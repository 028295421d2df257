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

/** One user's query, waiting for a request or sent with one. */
interface Entry extends Queued {
  readonly userId: UserId;
  request?: QueryRequest;
  /** Calls that wait for it to be sent. Without callers it is not sent. */
  callers: number;
  isForced: boolean;
  /** True if it goes on without callers. */
  isKept: boolean;
  /** True once it has answered, failed or been dropped. */
  isOver: boolean;
}

export interface QueriesPorts extends QueryPorts {
  readonly count: CountActivity;
}

export interface AskOptions {
  /** How long the homeserver may wait for other homeservers, in ms. */
  readonly timeout?: number | undefined;
  /** True if a response that has already arrived is too old, and a list that another query saved is no substitute. */
  readonly forced?: boolean | undefined;
  /** True if the caller already has an answer, and other callers must not wait for these users. */
  readonly background?: boolean | undefined;
  /** Called if a user's request fails; the others go on. Without it, the call fails with the first failure. */
  readonly onFailure?: ((userId: UserId, error: unknown) => void) | undefined;
}

/**
 * Queries users: at most one un-superseded query is in flight per user, however many callers come and go.
 *
 *     ask(A, B)     a──────────┐ one request for A and B
 *     ask(B)            b──────┤ joins it
 *     B changes           ×    │ B's part is superseded: callers that wait get it,
 *     ask(B)                b──┼──────┐ but a caller from then on gets a new query
 *                              A B    B
 *
 * A query can be joined while it is on the wire. Once its response has arrived, a caller joins only if the answer will
 * be current: an answer must not be older than the question.
 */
export class Queries {
  readonly servers: FailedServers;
  readonly #ports: QueriesPorts;
  /**
   * Entries that can be joined, by user. An entry is removed only by its own request, by superseding, or when its last
   * caller unsubscribes before it is sent.
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

  /** Emits each user's answer as it arrives, from the query in flight or a new one. */
  ask(userIds: readonly UserId[], options: AskOptions = {}): Observable<Answer> {
    const { timeout, onFailure } = options;
    return defer(() => {
      const entries = userIds.map((userId) => this.#join(userId, options));
      const arrived = new Set(
        entries.filter(({ request }) => request?.hasResponse === true).map(({ userId }) => userId),
      );
      // If an answer that arrived before this call is not current, it is older than the question.
      const isOlder = ({ userId, superseded }: Answer) => superseded && arrived.has(userId);
      const answers$ = this.#answers(entries, onFailure);
      const notOlder$ = answers$.pipe(
        mergeMap((answer) => (isOlder(answer) ? this.ask([answer.userId], { timeout, onFailure }) : of(answer))),
      );
      const send$ = defer(() => {
        this.send();
        return EMPTY;
      });
      // All users of the call are queued before anything is sent, so that requests are filled.
      return merge(arrived.size === 0 ? answers$ : notOlder$, send$);
    }).pipe(
      teardownWithin((teardown) => {
        this.#queue.hold(teardown);
      }),
    );
  }

  /**
   * Queries users in the background, without a caller, and caches their lists. Ends with the answer or the tracker. Has
   * no effect on users that are already queried in this way.
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
   * Marks these users' queries in flight: a change arrived that the answer may not include. Queued users are not
   * affected. This may make room for other requests: call {@link send} once the commit of the change is queued.
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

  /** Sends nothing more. */
  close(): void {
    this.#queue.close();
  }

  /** Sends queued users while there is room. */
  send(): void {
    this.#queue.send();
  }

  /** Emits the answers of these entries, with one subscription per request, whichever other users it carries. */
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

  /** Removes a caller from an entry that has not been sent. */
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
    // Held until all callers have subscribed: the first may unsubscribe before the next subscribes.
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

interface Awaited {
  readonly request: QueryRequest;
  readonly users: Set<UserId>;
}

/** Removes the entries that a request carries from the set, and returns their users. */
function takeFrom(unsent: Set<Entry>, batch: readonly Entry[], request: QueryRequest): Set<UserId> {
  const isShort = unsent.size < batch.length; // thousands of calls may wait, each for one user
  const carried = isShort
    ? Array.from(unsent).filter((entry) => entry.request === request)
    : batch.filter((entry) => unsent.has(entry));
  for (const entry of carried) unsent.delete(entry);
  return new Set(carried.map(({ userId }) => userId));
}

function sentIn(entries: readonly Entry[]): readonly Awaited[] {
  const awaited = new Map<QueryRequest, Set<UserId>>();
  for (const { userId, request } of entries) {
    if (request === undefined) continue;
    const users = awaited.get(request) ?? new Set();
    awaited.set(request, users.add(userId));
  }
  return Array.from(awaited, ([request, users]) => ({ request, users }));
}
