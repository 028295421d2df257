import { defer, EMPTY, endWith, ignoreElements, map, merge, mergeMap, of, tap, type Observable } from "rxjs";
import { identityStatus } from "../trust/identity.js";
import { isUserId, type UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { fromCache, notAUser, toUserDeviceKeys, type Answer } from "../query/answer.js";
import type { DeviceLists } from "../lists/device-lists.js";
import type { CachedList } from "../lists/list-cache.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { Queries } from "../query/queries.js";

export interface LookupOptions {
  /** Skips the cache; a query that is in flight and not superseded is joined all the same. */
  readonly forceDownload?: boolean | undefined;
  /** How long the homeserver may wait for other homeservers, in ms; of the queries that this call starts. */
  readonly timeout?: number | undefined;
}

/** What a lookup has gathered: every user is in one of the two. */
export interface Gathered {
  readonly answers: ReadonlyMap<UserId, Answer>;
  /** Whose request failed, and how. */
  readonly failures: ReadonlyMap<UserId, unknown>;
}

/** Answers lookups: from memory, from the store, from queries in flight, from new ones. */
export class Lookup {
  readonly #tracked: TrackedUsers;
  readonly #memory: ListMemory;
  readonly #lists: DeviceLists;
  readonly #queries: Queries;
  readonly #now: () => number;

  constructor(tracked: TrackedUsers, memory: ListMemory, lists: DeviceLists, queries: Queries, now: () => number) {
    this.#tracked = tracked;
    this.#memory = memory;
    this.#lists = lists;
    this.#queries = queries;
    this.#now = now;
  }

  /**
   * Everybody's answer, emitted once all are there.
   *
   * 1. What memory has is there at once.
   * 2. The other lists that are not outdated are read from the store, all in one read.
   * 3. Whose list is outdated is looked for in the store (their states, then the lists that answer): another tab that was given the same change may have fetched it already.
   * 4. The rest is asked for.
   *
   * @param failures `throw`: the first request that fails ends the lookup with its error; `gather`: the others are waited for
   */
  gather(wanted: readonly UserId[], options: LookupOptions, failures: "throw" | "gather"): Observable<Gathered> {
    return defer(() => {
      const gathered = { answers: new Map<UserId, Answer>(), failures: new Map<UserId, unknown>() };
      const toRead = new Map<UserId, Revision>();
      const toFind = new Map<UserId, Revision>();
      let toAsk = 0;
      for (const userId of wanted) {
        const user = this.#tracked.get(userId);
        if (user === undefined && !isUserId(userId)) gathered.answers.set(userId, notAUser(userId, this.#now()));
        else if (user === undefined || options.forceDownload === true) toAsk++;
        else if (user.outdated) {
          if (user.revision.committed === undefined || this.#queries.has(userId)) toAsk++;
          else toFind.set(userId, user.revision);
        } else {
          const cached = this.#memory.cached(userId, user.revision);
          if (cached === undefined) toRead.set(userId, user.revision);
          else gathered.answers.set(userId, fromCache(userId, cached));
        }
      }
      if (toRead.size === 0 && toFind.size === 0 && toAsk === 0) return of(gathered);

      const onFailure =
        failures === "throw" ? undefined : (userId: UserId, error: unknown) => gathered.failures.set(userId, error);
      const ask = (userIds: readonly UserId[]) =>
        userIds.length === 0
          ? EMPTY
          : this.#queries
              .ask(userIds, options.timeout, onFailure)
              .pipe(tap((answer) => gathered.answers.set(answer.userId, answer)));
      const take = (found: ReadonlyMap<UserId, CachedList>) => {
        for (const [userId, cached] of found) gathered.answers.set(userId, fromCache(userId, cached));
      };
      const read$ = defer(() => (toRead.size === 0 ? EMPTY : this.#lists.read(toRead))).pipe(
        mergeMap((found) => {
          take(found);
          return ask(Array.from(toRead.keys()).filter((userId) => !found.has(userId)));
        }),
      );
      // Those who need not be looked for wait as well, so that the call's queries travel together.
      const find$ = defer(() =>
        toFind.size === 0 ? of<ReadonlyMap<UserId, CachedList>>(new Map()) : this.#lists.find(toFind),
      ).pipe(
        mergeMap((found) => {
          take(found);
          return ask(wanted.filter((userId) => !gathered.answers.has(userId) && !toRead.has(userId)));
        }),
      );
      return merge(read$, find$).pipe(ignoreElements(), endWith(gathered));
    });
  }

  /** What is saved for these users, without asking anyone; users never fetched are absent. */
  known(wanted: readonly UserId[]): Observable<DeviceKeysByUser> {
    return this.#lists.lastKnown(wanted).pipe(
      map((known) => {
        const result = new Map<UserId, UserDeviceKeys>();
        for (const userId of wanted) {
          const saved = known.get(userId);
          if (saved === undefined) continue;
          const user = this.#tracked.get(userId);
          const current =
            user !== undefined && !user.outdated && !this.#tracked.inDoubt && saved.answers(user.revision);
          result.set(userId, {
            ...saved.list,
            identity: identityStatus(saved.list.identity, this.#memory.ourKey),
            freshness: current ? "current" : "outdated",
          });
        }
        return result;
      }),
    );
  }

  /** The answers as a caller gets them, their freshness decided now: one entry for every user who has one, in the order wanted. */
  result(wanted: readonly UserId[], answers: ReadonlyMap<UserId, Answer>): DeviceKeysByUser {
    const result = new Map<UserId, UserDeviceKeys>();
    for (const userId of wanted) {
      const answer = answers.get(userId);
      if (answer !== undefined)
        result.set(
          userId,
          toUserDeviceKeys(answer, this.#tracked.get(userId), {
            inDoubt: this.#tracked.inDoubt,
            ourKey: this.#memory.ourKey,
          }),
        );
    }
    return result;
  }
}
