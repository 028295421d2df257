import { map, mergeMap, Subject, takeUntil, timer, type Observable, type SchedulerLike } from "rxjs";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import { isDisconnected, isFinal, waitAfterFailure, waitForEcho } from "./requery.js";
import { SharedWait } from "./shared-wait.js";

/** What is known of the lookups of one user. */
interface Attempts {
  /** The latest lookup, or the wait for it. */
  latest: object;
  /** Answers in a row that changed nothing. */
  unchanged: number;
  /** Failures in a row. */
  failures: number;
  /** Why the next lookup is waited for, if it is; `connection`: the wait ends early when the server answers something. */
  waiting: "echo" | "failure" | "connection" | undefined;
  /**
   * Whether the last wait ended early. Then the next one does not: a server that answers only other requests must not
   * make us spin.
   */
  endedEarly: boolean;
}

/** A wait before users are looked up again. */
interface Wait {
  readonly userIds: readonly UserId[];
  /** In ms. */
  readonly wait: number;
  readonly shared: SharedWait;
}

/** Users whose lookup failed for the same reason, and when they are looked up again. */
export interface FailedLookup {
  readonly userIds: readonly UserId[];
  /** In ms; `Infinity` if a retry is of no use. */
  readonly wait: number;
  /** The error, unless only the users' own server could not be reached. */
  readonly error: unknown;
}

/** When a watcher looks up its users again. */
export class RequerySchedule {
  readonly #attempts: ReadonlyMap<UserId, Attempts>;
  readonly #scheduler: SchedulerLike;
  readonly #waits$ = new Subject<Wait>();

  constructor(userIds: readonly UserId[], scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
    this.#attempts = new Map(
      userIds.map((userId) => [
        userId,
        { latest: {}, unchanged: 0, failures: 0, waiting: undefined, endedEarly: false },
      ]),
    );
  }

  /** Users whose wait is over. */
  get due$(): Observable<readonly UserId[]> {
    return this.#waits$.pipe(mergeMap((wait) => this.#afterWait(wait)));
  }

  has(userId: UserId): boolean {
    return this.#attempts.has(userId);
  }

  /** A lookup of these users begins. Returns what identifies it. */
  begin(userIds: readonly UserId[]): object {
    const lookup = {};
    for (const userId of userIds) this.#update(userId, { latest: lookup, waiting: undefined });
    return lookup;
  }

  /** Those of the users who have not been looked up again since. */
  latestOf(userIds: readonly UserId[], lookup: object): readonly UserId[] {
    return userIds.filter((userId) => this.#attempts.get(userId)?.latest === lookup);
  }

  /** These users were announced. Returns those to be looked up now; the others are due later. */
  announced(userIds: readonly UserId[]): readonly UserId[] {
    const waits = new Map<number, UserId[]>();
    for (const userId of userIds) {
      const attempts = this.#attempts.get(userId);
      if (attempts === undefined || attempts.waiting === "echo") continue;
      add(waits, waitForEcho(attempts.unchanged), userId);
    }
    for (const [wait, waiting] of waits) if (wait > 0) this.#wait(waiting, wait, "echo");
    return waits.get(0) ?? [];
  }

  /** The server has answered something. Returns the users to be looked up now because it was not reached for them. */
  reconnected(): readonly UserId[] {
    const userIds = Array.from(this.#attempts).flatMap(([userId, { waiting }]) =>
      waiting === "connection" ? [userId] : [],
    );
    for (const userId of userIds) this.#update(userId, { endedEarly: true });
    return userIds;
  }

  /** The lookup of these users failed, some of them with an error. They are due later. */
  failed(userIds: readonly UserId[], errors: ReadonlyMap<UserId, unknown>): readonly FailedLookup[] {
    const waits = new Map<number, UserId[]>();
    for (const userId of userIds) {
      const failures = this.#attempts.get(userId)?.failures ?? 0;
      const error = errors.get(userId);
      add(waits, isFinal(error) ? Number.POSITIVE_INFINITY : waitAfterFailure(failures, error), userId);
    }
    return Array.from(waits, ([wait, waiting]) => {
      this.#wait(waiting, wait, "failure");
      for (const userId of waiting) this.#countFailure(userId, errors.get(userId));
      const error = waiting.map((userId) => errors.get(userId)).find((one) => one !== undefined);
      return { userIds: waiting, wait, error };
    });
  }

  succeeded(userId: UserId): void {
    this.#update(userId, { failures: 0 });
  }

  /** Another caller has fetched the list: there is nothing to wait for. */
  fetched(userId: UserId): void {
    this.#update(userId, { failures: 0, waiting: undefined, latest: {} });
  }

  /** An answer changed what is shown of the user, or did not: it may be to an echo of our own query. */
  answered(userId: UserId, hasChanged: boolean): void {
    this.#update(userId, { unchanged: hasChanged ? 0 : (this.#attempts.get(userId)?.unchanged ?? 0) + 1 });
  }

  #countFailure(userId: UserId, error: unknown): void {
    const { failures = 0, endedEarly = false } = this.#attempts.get(userId) ?? {};
    const waiting = isDisconnected(error) && !endedEarly ? "connection" : "failure";
    this.#update(userId, { failures: failures + 1, endedEarly: false, waiting });
  }

  #wait(userIds: readonly UserId[], wait: number, waiting: NonNullable<Attempts["waiting"]>): void {
    const shared = new SharedWait(userIds.length);
    for (const userId of userIds) this.#update(userId, { latest: shared, waiting });
    if (wait !== Number.POSITIVE_INFINITY) this.#waits$.next({ userIds, wait, shared });
  }

  /** Durations, not times: a clock that is set back must not prolong a wait. */
  #afterWait({ userIds, wait, shared }: Wait): Observable<readonly UserId[]> {
    return timer(Math.min(wait, MAX_DELAY), this.#scheduler).pipe(
      map(() => this.latestOf(userIds, shared)),
      takeUntil(shared.abandoned$),
    );
  }

  #update(userId: UserId, change: Partial<Attempts>): void {
    const attempts = this.#attempts.get(userId);
    if (attempts === undefined) return;
    const { latest } = attempts;
    Object.assign(attempts, change);
    if (latest !== attempts.latest && latest instanceof SharedWait) latest.leave();
  }
}

function add<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}
