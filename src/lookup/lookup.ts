import { defer, map, mergeMap, of, take, throwError, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { toUserDeviceKeys, type Answer } from "../query/answer.js";
import { userKeys } from "../trust/user-keys.js";
import { Gathering, type Gathered, type LookupOptions, type LookupParts } from "./gathering.js";

export class Lookup {
  readonly #parts: LookupParts;

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  /**
   * Emits one entry for every user, in the given order. If a request failed, fails with the first error once the others
   * are done. Users that the lookup did not wait for are queried in the background; unsubscribing does not cancel that.
   */
  get(wanted: readonly UserId[], options: LookupOptions): Observable<DeviceKeysByUser> {
    return defer(() => {
      const found = options.forceDownload === true ? undefined : this.#allInMemory(wanted);
      return found === undefined ? this.#gatherAll(wanted, options) : of(found);
    });
  }

  /**
   * Returns the lists if memory has all of them and they are current. A fast path: applications look up before each
   * message.
   */
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
   * Emits all answers once every user has one or has failed.
   *
   * 1. Lists in memory that are not outdated are used at once.
   * 2. Other lists that are not outdated are read from the store, in one read.
   * 3. Users of a homeserver that failed recently get their last list. They are queried afterwards, and a second value
   *    has their answers.
   * 4. All other users are queried.
   */
  gather(wanted: readonly UserId[], options: LookupOptions): Observable<Gathered> {
    return defer(() => new Gathering(this.#parts, options).run(wanted));
  }

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

  /** Turns answers into results, with their freshness as of now. Users without an answer are left out. */
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
