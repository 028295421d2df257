import { defer, map, mergeMap, of, take, throwError, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { toUserDeviceKeys, type Answer } from "../query/answer.js";
import { userKeys } from "../trust/user-keys.js";
import { Gathering, type Gathered, type LookupOptions, type LookupParts } from "./gathering.js";

/** Answers lookups: from memory, from the store, from queries in flight, and from new ones. */
export class Lookup {
  readonly #parts: LookupParts;

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  /**
   * One entry for every user, in the order wanted. Fails with the first error if a request failed, once the others are
   * done. Users who were not waited for are queried in the background: that is the tracker's, and goes on when the
   * caller unsubscribes.
   */
  get(wanted: readonly UserId[], options: LookupOptions): Observable<DeviceKeysByUser> {
    return defer(() => {
      const found = options.forceDownload === true ? undefined : this.#allInMemory(wanted);
      return found === undefined ? this.#gatherAll(wanted, options) : of(found);
    });
  }

  /** The lists if memory has all of them and they are current: nothing else needs to be done, for each message. */
  #allInMemory(wanted: readonly UserId[]): DeviceKeysByUser | undefined {
    const { tracking, memory, count } = this.#parts;
    if (tracking.inDoubt) return undefined;
    const found = new Map<UserId, UserDeviceKeys>();
    for (const userId of wanted) {
      const user = tracking.get(userId);
      const cached = user?.outdated === false ? memory.cached(userId, user.revision) : undefined;
      if (cached === undefined) return undefined;
      found.set(userId, cached.current(memory.ourKey));
    }
    if (found.size > 0) count({ hits: found.size });
    return found;
  }

  #gatherAll(wanted: readonly UserId[], options: LookupOptions): Observable<DeviceKeysByUser> {
    return this.gather(wanted, options).pipe(
      take(1),
      mergeMap(({ answers, failures, pending }) => {
        this.#parts.queries.keep(pending, options.timeout);
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
   * 3. Users of a homeserver that failed lately get their last list. They are queried after that, and a second value
   *    has their answers.
   * 4. The remaining users are queried.
   */
  gather(wanted: readonly UserId[], options: LookupOptions): Observable<Gathered> {
    return defer(() => new Gathering(this.#parts, options).run(wanted));
  }

  /** What is saved for these users, without querying the server; users without a list are absent. */
  known(wanted: readonly UserId[]): Observable<DeviceKeysByUser> {
    const { lists, tracking, memory } = this.#parts;
    return lists
      .lastKnown(wanted, (user) => user?.hasList === true)
      .pipe(
        map((known) => {
          const result = new Map<UserId, UserDeviceKeys>();
          for (const userId of wanted) {
            const last = known.get(userId);
            if (last === undefined) continue;
            const user = tracking.get(userId);
            const isCurrent = user !== undefined && !user.outdated && !tracking.inDoubt && last.answers(user.revision);
            result.set(userId, userKeys(last.list, isCurrent ? "current" : "outdated", memory.ourKey));
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
    const { tracking, memory } = this.#parts;
    const context = { inDoubt: tracking.inDoubt, ourKey: memory.ourKey };
    for (const userId of wanted) {
      const answer = answers.get(userId);
      if (answer !== undefined) result.set(userId, toUserDeviceKeys(answer, tracking.get(userId), context));
    }
    return result;
  }
}
