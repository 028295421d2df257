import { concat, defer, EMPTY, ignoreElements, merge, mergeMap, of, tap, type Observable } from "rxjs";
import type { ListMemory } from "../lists/list-memory.js";
import type { SavedLists } from "../lists/saved-lists.js";
import type { CountActivity } from "../model/activity.js";
import { isUserId, type UserId } from "../model/ids.js";
import { fromCache, notAUser, unreachable, type Answer } from "../query/answer.js";
import type { Queries } from "../query/queries.js";
import type { Revision } from "../store/revision.js";
import type { Tracking } from "../sync/tracking.js";

export interface LookupOptions {
  /** Skips the cache, but joins a query that is still on the wire. */
  readonly forceDownload?: boolean | undefined;
  /** How long the homeserver may wait for other homeservers, in ms; applies to queries that this call starts. */
  readonly timeout?: number | undefined;
}

/** The outcome of a lookup: every user has an answer or has failed. */
export interface Gathered {
  readonly answers: ReadonlyMap<UserId, Answer>;
  /** The errors of users whose request failed. */
  readonly failures: ReadonlyMap<UserId, unknown>;
  /** Users that got their last list instead of waiting for a query; they are still to be queried. */
  readonly pending: readonly UserId[];
}

export interface LookupParts {
  readonly tracking: Tracking;
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly queries: Queries;
  /** In ms since the epoch. */
  readonly now: () => number;
  readonly count: CountActivity;
}

/** One lookup in progress: from memory, the store, queries in flight, and new ones. */
export class Gathering {
  readonly #parts: LookupParts;
  readonly #options: LookupOptions;
  readonly #answers = new Map<UserId, Answer>();
  readonly #failures = new Map<UserId, unknown>();
  readonly #pending = new Set<UserId>();

  constructor(parts: LookupParts, options: LookupOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  run(wanted: readonly UserId[]): Observable<Gathered> {
    const { toRead, toAsk } = this.#plan(wanted);
    if (toRead.size === 0 && toAsk.length === 0) return of(this.#gathered());
    return concat(
      merge(this.#read(toRead), this.#answer(toAsk)),
      defer(() => {
        const gathered = this.#gathered();
        return concat(of(gathered), this.#askLater(gathered.pending));
      }),
    );
  }

  /** Answers users from memory if possible, and sorts the others. */
  #plan(wanted: readonly UserId[]): { toRead: ReadonlyMap<UserId, Revision>; toAsk: readonly UserId[] } {
    const { tracking, memory, now } = this.#parts;
    const toRead = new Map<UserId, Revision>();
    const toAsk: UserId[] = [];
    let hits = 0;
    for (const userId of wanted) {
      const user = tracking.get(userId);
      if (user === undefined && !isUserId(userId)) this.#answers.set(userId, notAUser(userId, now()));
      else if (user === undefined || user.outdated || this.#options.forceDownload === true) toAsk.push(userId);
      else {
        const list = memory.cached(userId, user.revision);
        if (list === undefined) toRead.set(userId, user.revision);
        else {
          this.#answers.set(userId, fromCache(userId, list));
          hits++;
        }
      }
    }
    if (hits > 0) this.#parts.count({ hits });
    return { toRead, toAsk };
  }

  /** True if the user is not worth waiting for: their server failed recently, and they may have a last list. */
  #isDown(userId: UserId): boolean {
    const { tracking, queries } = this.#parts;
    return (
      this.#options.forceDownload !== true &&
      queries.servers.hasFailed(userId) &&
      tracking.get(userId)?.hasList !== false
    );
  }

  #read(toRead: ReadonlyMap<UserId, Revision>): Observable<never> {
    if (toRead.size === 0) return EMPTY;
    return this.#parts.lists.read(toRead).pipe(
      mergeMap((found) => {
        for (const [userId, list] of found) this.#answers.set(userId, fromCache(userId, list));
        if (found.size > 0) this.#parts.count({ hits: found.size });
        return this.#answer(Array.from(toRead.keys()).filter((userId) => !found.has(userId)));
      }),
    );
  }

  #answer(userIds: readonly UserId[]): Observable<never> {
    if (userIds.length > 0) this.#parts.count({ misses: userIds.length });
    const [down, up]: [UserId[], UserId[]] = [[], []];
    for (const userId of userIds) (this.#isDown(userId) ? down : up).push(userId);
    return merge(this.#lastLists(down), this.#ask(up));
  }

  /** Answers users of failed servers with their last list. The lookup waits for those without one. */
  #lastLists(userIds: readonly UserId[]): Observable<never> {
    if (userIds.length === 0) return EMPTY;
    const { lists, now } = this.#parts;
    return lists.lastKnown(userIds).pipe(
      mergeMap((known) => {
        for (const [userId, { list }] of known) {
          this.#answers.set(userId, unreachable(userId, list, now()));
          this.#pending.add(userId);
        }
        return this.#ask(userIds.filter((userId) => !known.has(userId)));
      }),
    );
  }

  #ask(userIds: readonly UserId[], isBackground = false): Observable<never> {
    if (userIds.length === 0) return EMPTY;
    const { timeout, forceDownload: forced } = this.#options;
    const onFailure = (userId: UserId, error: unknown) => this.#failures.set(userId, error);
    return this.#parts.queries.ask(userIds, { timeout, forced, background: isBackground, onFailure }).pipe(
      tap((answer) => this.#answers.set(answer.userId, answer)),
      ignoreElements(),
    );
  }

  /** Another caller's query may have fetched a list in the meantime. */
  #gathered(): Gathered {
    const { tracking, memory } = this.#parts;
    for (const userId of this.#pending) {
      const user = tracking.get(userId);
      const list = user?.outdated === false ? memory.cached(userId, user.revision) : undefined;
      if (list === undefined) continue;
      this.#answers.set(userId, fromCache(userId, list));
      this.#pending.delete(userId);
    }
    return { answers: this.#answers, failures: this.#failures, pending: [...this.#pending] };
  }

  #askLater(userIds: readonly UserId[]): Observable<Gathered> {
    if (userIds.length === 0) return EMPTY;
    return defer(() => {
      const later = new Gathering(this.#parts, this.#options);
      return concat(
        later.#ask(userIds, true),
        defer(() => of(later.#gathered())),
      );
    });
  }
}
