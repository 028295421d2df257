import { map, mergeMap, Subject, takeUntil, timer, type Observable, type SchedulerLike } from "rxjs";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import { spreadAfterAnnouncement, waitAfterAnnouncement } from "./announcement-wait.js";
import { waitAfterFailure, type FailedLookups, type WaitEnd } from "./failure-wait.js";
import { SharedWait } from "./shared-wait.js";

interface Attempts extends FailedLookups {
  /** Identifies the latest lookup, or the wait for it. */
  readonly latest: object;
  /** What ends the wait for the next lookup, if one is scheduled. */
  readonly waiting: WaitEnd | undefined;
  /** Answers in a row that changed nothing. */
  readonly unchanged: number;
  /** When all announcements so far will have been counted. */
  readonly spreadUntil: number;
}

const NO_FAILURES = { failures: 0, isEarly: false, inVain: 0 } as const;
const NO_ATTEMPTS = { ...NO_FAILURES, waiting: undefined, unchanged: 0, spreadUntil: 0 } as const;

interface Wait {
  readonly userIds: readonly UserId[];
  /** In ms. */
  readonly wait: number;
  readonly shared: SharedWait;
}

/** Users whose lookup failed for the same reason, and how long until they are looked up again. */
export interface FailedLookup {
  readonly userIds: readonly UserId[];
  /** In ms; `Infinity` if retrying is pointless. */
  readonly wait: number;
  /** `undefined` if only the users' own server could not be reached. */
  readonly error: unknown;
}

/** Decides when a watcher looks up its users again. */
export class RequerySchedule {
  readonly #attempts: Map<UserId, Attempts>;
  /** Users whose wait ends with any response of the server: few among many. */
  readonly #awaitingResponse = new Set<UserId>();
  readonly #scheduler: SchedulerLike;
  readonly #waits$ = new Subject<Wait>();

  constructor(userIds: readonly UserId[], scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
    this.#attempts = new Map(userIds.map((userId): [UserId, Attempts] => [userId, { ...NO_ATTEMPTS, latest: {} }]));
  }

  get due$(): Observable<readonly UserId[]> {
    return this.#waits$.pipe(mergeMap((wait) => this.#afterWait(wait)));
  }

  has(userId: UserId): boolean {
    return this.#attempts.has(userId);
  }

  /** Begins a lookup of these users and returns its identity. */
  begin(userIds: readonly UserId[]): object {
    const lookup = {};
    for (const userId of userIds) this.#update(userId, { latest: lookup, waiting: undefined });
    return lookup;
  }

  /** Returns the users that have not been looked up again since. */
  latestOf(userIds: readonly UserId[], lookup: object): readonly UserId[] {
    return userIds.filter((userId) => this.#attempts.get(userId)?.latest === lookup);
  }

  /** Returns which of these announced users to look up now; the others are due later. */
  announced(userIds: readonly UserId[]): readonly UserId[] {
    const waits = new Map<number, UserId[]>();
    const now = this.#scheduler.now();
    for (const userId of userIds) {
      const attempts = this.#attempts.get(userId);
      if (attempts === undefined || attempts.waiting === "time") continue;
      const wait = waitAfterAnnouncement(attempts.unchanged, attempts.spreadUntil, now);
      const spreadUntil = spreadAfterAnnouncement(attempts.spreadUntil, now);
      this.#update(userId, { spreadUntil, ...(wait === 0 ? { isEarly: true } : { isEarly: false, waiting: "time" }) });
      add(waits, wait, userId);
    }
    for (const [wait, waiting] of waits) if (wait > 0) this.#wait(waiting, wait);
    return waits.get(0) ?? [];
  }

  /**
   * Call when the server has answered a request. Returns the users to look up now because the server was not reached
   * for them.
   */
  reconnected(): readonly UserId[] {
    const userIds = [...this.#awaitingResponse];
    for (const userId of userIds) this.#update(userId, { isEarly: true });
    return userIds;
  }

  /** Schedules a retry for users whose lookup failed, some of them with an error. */
  failed(userIds: readonly UserId[], errors: ReadonlyMap<UserId, unknown>): readonly FailedLookup[] {
    const waits = new Map<number, UserId[]>();
    for (const userId of userIds) add(waits, this.#countFailure(userId, errors.get(userId)), userId);
    return Array.from(waits, ([wait, waiting]) => {
      this.#wait(waiting, wait);
      const error = waiting.map((userId) => errors.get(userId)).find((one) => one !== undefined);
      return { userIds: waiting, wait, error };
    });
  }

  succeeded(userId: UserId): void {
    this.#update(userId, NO_FAILURES);
  }

  /** Another caller has fetched the list, so there is nothing to wait for. */
  fetched(userId: UserId): void {
    this.#update(userId, { ...NO_FAILURES, waiting: undefined, latest: {} });
  }

  /** Counts answers that changed nothing: the announcement may have been an echo of our own query. */
  answered(userId: UserId, hasChanged: boolean): void {
    this.#update(userId, { unchanged: hasChanged ? 0 : (this.#attempts.get(userId)?.unchanged ?? 0) + 1 });
  }

  /** Returns the time until the next lookup, in ms. */
  #countFailure(userId: UserId, error: unknown): number {
    const before = this.#attempts.get(userId) ?? NO_ATTEMPTS;
    const { wait, endedBy } = waitAfterFailure(before, error);
    const inVain = before.inVain + (before.isEarly ? 1 : 0);
    this.#update(userId, { failures: before.failures + 1, inVain, isEarly: false, waiting: endedBy });
    return wait;
  }

  #wait(userIds: readonly UserId[], wait: number): void {
    const shared = new SharedWait(userIds.length);
    for (const userId of userIds) this.#update(userId, { latest: shared });
    if (wait !== Number.POSITIVE_INFINITY) this.#waits$.next({ userIds, wait, shared });
  }

  /** Uses durations, not times: setting the clock back must not prolong a wait. */
  #afterWait({ userIds, wait, shared }: Wait): Observable<readonly UserId[]> {
    return timer(Math.min(wait, MAX_DELAY), this.#scheduler).pipe(
      map(() => this.latestOf(userIds, shared)),
      takeUntil(shared.abandoned$),
    );
  }

  #update(userId: UserId, change: Partial<Attempts>): void {
    const before = this.#attempts.get(userId);
    if (before === undefined) return;
    const attempts = { ...before, ...change };
    this.#attempts.set(userId, attempts);
    if (attempts.waiting === "response") this.#awaitingResponse.add(userId);
    else this.#awaitingResponse.delete(userId);
    if (before.latest !== attempts.latest && before.latest instanceof SharedWait) before.latest.leave();
  }
}

function add<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}
