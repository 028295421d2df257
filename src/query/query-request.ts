import {
  defer,
  filter,
  finalize,
  map,
  mergeMap,
  NEVER,
  of,
  ReplaySubject,
  share,
  take,
  tap,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { parseResponse, type ParsedResponse } from "./parse-response.js";
import { MAX_DELAY } from "../model/max-delay.js";
import { InvalidResponseError, QueryTimedOutError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";
import type { Answer } from "./answer.js";
import type { KeysApi } from "./keys-api.js";
import type { RecentQueries } from "./recent-queries.js";

/** How much longer than the `timeout` that the homeserver was given a query is waited for, in ms. */
export const QUERY_GRACE = 10_000;

/** What a request needs of its surroundings. */
export interface QueryPorts {
  readonly keysApi: KeysApi;
  readonly ownUserId: UserId;
  readonly scheduler: SchedulerLike;
  /** In ms. */
  readonly queryDeadline: number;
  /** Is told of every query that is sent. */
  readonly recent: RecentQueries;
  /** The user's revision now. */
  readonly revisionOf: (userId: UserId) => Revision | undefined;
  /** Saves what may be saved, and emits everybody's answer when that is decided. What it has begun goes on when it is unsubscribed. */
  readonly settle: (answered: ParsedResponse, request: SentQuery) => Observable<ReadonlyMap<UserId, Answer>>;
}

/** What a request knew when it was sent, and what has become of it since. */
export interface SentQuery {
  /** Of everyone who was asked for. */
  readonly revisions: ReadonlyMap<UserId, Revision | undefined>;
  readonly isSuperseded: (userId: UserId) => boolean;
}

/** One `/keys/query`, sent when it is first subscribed to. */
export class QueryRequest implements SentQuery {
  readonly revisions = new Map<UserId, Revision | undefined>();
  /**
   * Everybody's answer. Shared by all who wait: subscribed to the port once, replayed to those who come late, and never started again.
   * When the last of them leaves, the request is aborted; not so once its answer is there: saving belongs to the request.
   */
  readonly answers$: Observable<ReadonlyMap<UserId, Answer>>;
  readonly #superseded = new Set<UserId>();

  constructor(
    userIds: readonly UserId[],
    serverTimeout: number | undefined,
    ports: QueryPorts,
    told: {
      /** The answer is there: the request is no longer in flight. */
      readonly answered: () => void;
      /** Everything is decided, or everyone has left: called before anybody is told, and before the port is unsubscribed, so that whoever asks from then on gets a new query. */
      readonly over: () => void;
      /** Nothing more will come of it; called last. */
      readonly ended: () => void;
    },
  ) {
    let answered = false;
    const deadline = Math.min(
      Math.max(ports.queryDeadline, serverTimeout === undefined ? 0 : serverTimeout + QUERY_GRACE),
      MAX_DELAY,
    );
    this.answers$ = defer(() => {
      ports.recent.note(userIds, ports.scheduler.now());
      for (const userId of userIds) this.revisions.set(userId, ports.revisionOf(userId));
      const deviceKeys = Object.fromEntries(userIds.map((userId): [UserId, []] => [userId, []]));
      return ports.keysApi.query({
        device_keys: deviceKeys,
        ...(serverTimeout !== undefined && { timeout: serverTimeout }),
      });
    }).pipe(
      throwIfEmpty(() => new InvalidResponseError("/keys/query", "", "there")),
      timeout({
        first: deadline,
        scheduler: ports.scheduler,
        with: () => throwError(() => new QueryTimedOutError(deadline, userIds)),
      }),
      take(1),
      map((answer: unknown) => {
        answered = true;
        const parsed = parseResponse(answer, ports.ownUserId, ports.scheduler.now());
        told.answered();
        return parsed;
      }),
      mergeMap((parsed) => ports.settle(parsed, this)),
      tap({ next: told.over, error: told.over }),
      finalize(told.ended),
      share({
        connector: () => new ReplaySubject(1),
        resetOnComplete: false,
        resetOnError: false,
        resetOnRefCountZero: () => {
          if (answered) return NEVER;
          told.over();
          return of(0);
        },
      }),
    );
  }

  /** One user's part of it. */
  answerOf(userId: UserId): Observable<Answer> {
    return this.answers$.pipe(
      map((answers) => answers.get(userId)),
      filter((answer) => answer !== undefined),
    );
  }

  /** Whether a change of any of its users has come since it was sent. */
  get superseded(): boolean {
    return this.#superseded.size > 0;
  }

  isSuperseded(userId: UserId): boolean {
    return this.#superseded.has(userId);
  }

  supersede(userId: UserId): void {
    this.#superseded.add(userId);
  }
}
