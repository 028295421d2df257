import { concat, defer, EMPTY, ignoreElements, map, merge, mergeMap, of, tap, throwError, type Observable } from "rxjs";
import type { CachedList } from "../lists/list-cache.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { SavedLists } from "../lists/saved-lists.js";
import { isUserId, type UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { fromCache, notAUser, toUserDeviceKeys, type Answer } from "../query/answer.js";
import type { Queries } from "../query/queries.js";
import type { Revision } from "../store/revision.js";
import type { Tracking } from "../sync/tracking.js";
import { identityStatus } from "../trust/identity.js";

export interface LookupOptions {
  /** Skips the cache; a query that is still on the wire is joined all the same. */
  readonly forceDownload?: boolean | undefined;
  /** How long the homeserver may wait for other homeservers, in ms; for the queries that this call starts. */
  readonly timeout?: number | undefined;
}

/** What a lookup has gathered: every user is in one of the two. */
export interface Gathered {
  readonly answers: ReadonlyMap<UserId, Answer>;
  /** The errors of users whose request failed. */
  readonly failures: ReadonlyMap<UserId, unknown>;
}

/** How the users of one lookup are to be answered. */
interface Plan {
  readonly cached: ReadonlyMap<UserId, Answer>;
  readonly toRead: ReadonlyMap<UserId, Revision>;
  readonly toAsk: readonly UserId[];
}

/** Answers lookups: from memory, from the store, from queries in flight, and from new ones. */
export class Lookup {
  readonly #tracking: Tracking;
  readonly #memory: ListMemory;
  readonly #lists: SavedLists;
  readonly #queries: Queries;
  readonly #now: () => number;

  constructor(tracking: Tracking, memory: ListMemory, lists: SavedLists, queries: Queries, now: () => number) {
    this.#tracking = tracking;
    this.#memory = memory;
    this.#lists = lists;
    this.#queries = queries;
    this.#now = now;
  }

  /**
   * One entry for every user, in the order wanted. Fails with the first error if a request failed, once the others are
   * done.
   */
  get(wanted: readonly UserId[], options: LookupOptions): Observable<DeviceKeysByUser> {
    return this.gather(wanted, options).pipe(
      mergeMap(({ answers, failures }) => {
        const [error] = failures.values();
        return failures.size > 0 ? throwError(() => error) : of(this.result(wanted, answers));
      }),
    );
  }

  /**
   * All answers, emitted once every user has one or has failed.
   *
   * 1. Lists in memory that are not outdated are there at once.
   * 2. Other lists that are not outdated are read from the store, in one read.
   * 3. The remaining users are queried.
   */
  gather(wanted: readonly UserId[], options: LookupOptions): Observable<Gathered> {
    return defer(() => {
      const { cached, toRead, toAsk } = this.#plan(wanted, options);
      const answers = new Map(cached);
      const failures = new Map<UserId, unknown>();
      if (toRead.size === 0 && toAsk.length === 0) return of({ answers, failures });
      const ask = (userIds: readonly UserId[]): Observable<never> =>
        this.#ask(userIds, options, failures).pipe(
          tap((answer) => answers.set(answer.userId, answer)),
          ignoreElements(),
        );
      const read$ = this.#read(toRead).pipe(
        mergeMap((found) => {
          for (const [userId, list] of found) answers.set(userId, fromCache(userId, list));
          return ask(Array.from(toRead.keys()).filter((userId) => !found.has(userId)));
        }),
      );
      return concat(merge(read$, ask(toAsk)), of({ answers, failures }));
    });
  }

  /** What is saved for these users, without querying the server; users without a list are absent. */
  known(wanted: readonly UserId[]): Observable<DeviceKeysByUser> {
    return this.#lists
      .lastKnown(wanted, (user) => user?.hasList === true)
      .pipe(
        map((known) => {
          const result = new Map<UserId, UserDeviceKeys>();
          for (const userId of wanted) {
            const last = known.get(userId);
            if (last === undefined) continue;
            const user = this.#tracking.get(userId);
            const isCurrent =
              user !== undefined && !user.outdated && !this.#tracking.inDoubt && last.answers(user.revision);
            const identity = identityStatus(last.list.identity, this.#memory.ourKey);
            result.set(userId, { ...last.list, identity, freshness: isCurrent ? "current" : "outdated" });
          }
          return result;
        }),
      );
  }

  /**
   * The answers as a caller gets them, their freshness decided now: one entry for every user who has one, in the order
   * wanted.
   */
  result(wanted: readonly UserId[], answers: ReadonlyMap<UserId, Answer>): DeviceKeysByUser {
    const result = new Map<UserId, UserDeviceKeys>();
    const context = { inDoubt: this.#tracking.inDoubt, ourKey: this.#memory.ourKey };
    for (const userId of wanted) {
      const answer = answers.get(userId);
      if (answer !== undefined) result.set(userId, toUserDeviceKeys(answer, this.#tracking.get(userId), context));
    }
    return result;
  }

  #plan(wanted: readonly UserId[], { forceDownload }: LookupOptions): Plan {
    const cached = new Map<UserId, Answer>();
    const toRead = new Map<UserId, Revision>();
    const toAsk: UserId[] = [];
    for (const userId of wanted) {
      const user = this.#tracking.get(userId);
      if (user === undefined && !isUserId(userId)) cached.set(userId, notAUser(userId, this.#now()));
      else if (user === undefined || user.outdated || forceDownload === true) toAsk.push(userId);
      else {
        const list = this.#memory.cached(userId, user.revision);
        if (list === undefined) toRead.set(userId, user.revision);
        else cached.set(userId, fromCache(userId, list));
      }
    }
    return { cached, toRead, toAsk };
  }

  #read(toRead: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, CachedList>> {
    return toRead.size === 0 ? EMPTY : this.#lists.read(toRead);
  }

  #ask(
    userIds: readonly UserId[],
    { timeout, forceDownload }: LookupOptions,
    failures: Map<UserId, unknown>,
  ): Observable<Answer> {
    if (userIds.length === 0) return EMPTY;
    const onFailure = (userId: UserId, error: unknown) => failures.set(userId, error);
    return this.#queries.ask(userIds, { timeout, forced: forceDownload, onFailure });
  }
}
