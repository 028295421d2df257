import {
  defer,
  finalize,
  map,
  mergeMap,
  NEVER,
  of,
  ReplaySubject,
  share,
  take,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { InvalidResponseError, QueryTimedOutError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { Revision } from "../store/revision.js";
import type { Answer } from "./answer.js";
import type { KeysApi } from "./keys-api.js";
import { parseResponse, type ParsedResponse } from "./parse-response.js";

/** How long a query is awaited beyond the `timeout` given to the homeserver, in ms. */
export const QUERY_GRACE = 10_000;

export interface QueryPorts {
  readonly keysApi: KeysApi;
  readonly ownUserId: UserId;
  readonly scheduler: SchedulerLike;
  /** In ms. */
  readonly queryDeadline: number;
  /** The number of the last commit in memory. */
  readonly lastCommit: () => number;
  readonly revisionOf: (userId: UserId) => Revision | undefined;
  readonly closed$: Observable<unknown>;
  /**
   * Verifies and saves a response, and emits each answer once it is decided. Once begun, it goes on after
   * unsubscribing.
   */
  readonly process: (response: ParsedResponse, query: SentQuery) => Observable<ReadonlyMap<UserId, Answer>>;
}

/** What a request knew when it was sent, and what has happened to it since. */
export interface SentQuery {
  /** The revisions of all its users when it was sent. */
  readonly revisions: ReadonlyMap<UserId, Revision | undefined>;
  /** The number of the last commit when it was sent. */
  readonly sentAfter: number;
  readonly isSuperseded: (userId: UserId) => boolean;
  /** True if a caller that skips the cache waits for this user. */
  readonly isForced: (userId: UserId) => boolean;
}

/** What a request reports to its owner, each time before any subscriber is notified. */
export interface QueryEvents {
  /** The response has arrived: the request is no longer in flight. */
  readonly onResponse: (response: ParsedResponse) => void;
  /** These users are settled: later callers get a new query. */
  readonly onSettled: (userIds: Iterable<UserId>) => void;
  /** Called last. */
  readonly onEnd: () => void;
}

/** One `/keys/query` request, sent when first subscribed to. */
export class QueryRequest implements SentQuery {
  readonly revisions = new Map<UserId, Revision | undefined>();
  /**
   * Emits all answers as they are settled. Subscribers share one request, and late ones get the same answers. When the
   * last one unsubscribes, the request is aborted, unless its response has arrived: saving belongs to the request.
   */
  readonly answers$: Observable<ReadonlyMap<UserId, Answer>>;
  sentAfter = 0;
  readonly #superseded = new Set<UserId>();
  readonly #forced = new Set<UserId>();
  #hasResponse = false;

  constructor(userIds: readonly UserId[], serverTimeout: number | undefined, ports: QueryPorts, events: QueryEvents) {
    const { keysApi, ownUserId, scheduler, queryDeadline, lastCommit, revisionOf, closed$, process } = ports;
    const deadline = Math.min(
      Math.max(queryDeadline, serverTimeout === undefined ? 0 : serverTimeout + QUERY_GRACE),
      MAX_DELAY,
    );
    this.answers$ = defer(() => {
      this.sentAfter = lastCommit();
      for (const userId of userIds) this.revisions.set(userId, revisionOf(userId));
      const deviceKeys = Object.fromEntries(userIds.map((userId): [UserId, []] => [userId, []]));
      return keysApi.query({ device_keys: deviceKeys, ...(serverTimeout !== undefined && { timeout: serverTimeout }) });
    }).pipe(
      throwIfEmpty(() => new InvalidResponseError("/keys/query", "", "there")),
      timeout({ first: deadline, scheduler, with: () => throwError(() => new QueryTimedOutError(deadline, userIds)) }),
      take(1),
      map((response: unknown) => {
        this.#hasResponse = true;
        const parsed = parseResponse(response, ownUserId, scheduler.now());
        events.onResponse(parsed);
        return parsed;
      }),
      mergeMap((parsed) => process(parsed, this)),
      tap({
        next: (answers) => {
          events.onSettled(answers.keys());
        },
        error: () => {
          events.onSettled(userIds);
        },
      }),
      takeUntil(closed$),
      finalize(events.onEnd),
      share({
        connector: () => new ReplaySubject(userIds.length),
        resetOnComplete: false,
        resetOnError: false,
        resetOnRefCountZero: () => {
          if (this.#hasResponse) return NEVER;
          events.onSettled(userIds);
          return of(0);
        },
      }),
    );
  }

  /**
   * Emits the answers of some users as they are settled.
   * @param users awaited users; each is removed once answered
   */
  answersOf(users: Set<UserId>): Observable<Answer> {
    return this.answers$.pipe(
      map((answers) => {
        const [some, others] = answers.size < users.size ? [answers, users] : [users, answers];
        const answered = Array.from(some.keys()).filter((userId) => others.has(userId));
        for (const userId of answered) users.delete(userId);
        return { found: answered.flatMap((userId) => answers.get(userId) ?? []), left: users.size };
      }),
      takeWhile(({ left }) => left > 0, true),
      mergeMap(({ found }) => found),
    );
  }

  /** True if the response has arrived: it may be older than a new question. */
  get hasResponse(): boolean {
    return this.#hasResponse;
  }

  /** True if any of its users changed since it was sent. */
  get superseded(): boolean {
    return this.#superseded.size > 0;
  }

  isSuperseded(userId: UserId): boolean {
    return this.#superseded.has(userId);
  }

  supersede(userId: UserId): void {
    this.#superseded.add(userId);
  }

  isForced(userId: UserId): boolean {
    return this.#forced.has(userId);
  }

  force(userId: UserId): void {
    this.#forced.add(userId);
  }
}
