import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  takeUntil,
  timer,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { CachedList } from "../lists/list-cache.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { KnownList, SavedLists } from "../lists/saved-lists.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceKeysByUser } from "../model/results.js";
import { MAX_DELAY } from "../model/max-delay.js";
import { fromCache, type Answer } from "../query/answer.js";
import type { Invalidations, Tracking } from "../sync/tracking.js";
import type { Gathered, Lookup } from "./lookup.js";
import { isDisconnected, isFinal, waitAfterFailure, waitForEcho } from "./requery.js";
import { SharedWait } from "./shared-wait.js";
import { WatchedLists, type Shown } from "./watched-lists.js";

/** What a watcher needs. */
export interface WatchPorts {
  readonly tracking: Tracking;
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly lookup: Lookup;
  /** Users whose lists another tab saved. */
  readonly savedElsewhere$: Observable<readonly UserId[]>;
  /** Emits when the homeserver has answered something. */
  readonly connected$: Observable<unknown>;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/** What is known of the queries for one user. */
interface Attempts {
  /** Identifies the latest lookup, or the wait for it. */
  latest: object;
  /** Answers in a row that changed nothing. */
  unchanged: number;
  /** Failures in a row. */
  failures: number;
  /** Whether a wait for the next lookup is under way; `connection`: it ends early when the server answers something. */
  waiting: "echo" | "failure" | "connection" | undefined;
  /** Whether the last wait ended early: then the next one does not, or a server that answers only other requests would make us spin. */
  endedEarly: boolean;
}

/** A wait before users are looked up again. */
interface Wait {
  readonly userIds: readonly UserId[];
  /** In ms. */
  readonly wait: number;
  readonly shared: SharedWait;
}

/**
 * The device lists of some users, live.
 *
 * 1. All users are looked up; the first map is emitted once every user has an answer or has failed.
 * 2. A change, a failed query or a refused save emits at once: the list as it was, with its new freshness.
 * 3. An announced user is queried at once, unless the last three answers changed nothing: then after 1 s, doubling to 5
 *    min.
 * 4. A user who could not be queried is retried after 2 s, doubling to 5 min, not sooner than the server asks, and at
 *    once when it answers again.
 */
export function watchDeviceKeys(wanted: readonly UserId[], ports: WatchPorts): Observable<DeviceKeysByUser> {
  return defer(() => new Watcher(wanted, ports).run());
}

class Watcher {
  readonly #wanted: readonly UserId[];
  readonly #ports: WatchPorts;
  readonly #view: WatchedLists;
  readonly #attempts: ReadonlyMap<UserId, Attempts>;
  readonly #lookups$ = new Subject<readonly UserId[]>();
  readonly #waits$ = new Subject<Wait>();

  constructor(wanted: readonly UserId[], ports: WatchPorts) {
    this.#wanted = wanted;
    this.#ports = ports;
    this.#view = new WatchedLists(wanted, ports.tracking, ports.memory);
    this.#attempts = new Map(
      wanted.map((userId) => [
        userId,
        { latest: {}, unchanged: 0, failures: 0, waiting: undefined, endedEarly: false },
      ]),
    );
  }

  run(): Observable<DeviceKeysByUser> {
    const { tracking, memory, savedElsewhere$, connected$ } = this.#ports;
    const altered$ = merge(
      tracking.invalidations$.pipe(mergeMap((invalidations) => this.#invalidated(invalidations))),
      merge(tracking.doubtChanges$, memory.ourKeyChanges$).pipe(map(() => this.#view.isStale())),
      memory.cached$.pipe(map((lists) => this.#cached(lists))),
      savedElsewhere$.pipe(map((userIds) => this.#lookUpNow(userIds.filter((userId) => this.#attempts.has(userId))))),
      connected$.pipe(map(() => this.#reconnected())),
      this.#waits$.pipe(mergeMap((wait) => this.#afterWait(wait))),
      // Last the first lookup: what it causes must find everything else in place.
      merge(this.#lookups$, of(this.#wanted)).pipe(mergeMap((userIds) => this.#lookUp(userIds))),
    );
    return altered$.pipe(
      filter((altered) => altered && this.#view.isComplete),
      map(() => this.#view.view()),
    );
  }

  #invalidated({ invalidated, left }: Invalidations): Observable<boolean> {
    const now: UserId[] = [];
    const later = new Map<number, UserId[]>();
    for (const userId of invalidated) {
      const attempts = this.#attempts.get(userId);
      if (attempts === undefined || attempts.waiting === "echo") continue;
      const wait = waitForEcho(attempts.unchanged);
      if (wait === 0) now.push(userId);
      else later.set(wait, [...(later.get(wait) ?? []), userId]);
    }
    for (const [wait, userIds] of later) this.#wait(userIds, wait, "echo");
    const altered = this.#view.isStale([...invalidated, ...left].filter((userId) => this.#attempts.has(userId)));
    // What is known at once is emitted before what the lookup brings.
    return concat(
      of(altered),
      defer(() => of(this.#lookUpNow(now))),
    );
  }

  /** Looks users up; whether that altered what is shown. */
  #lookUp(userIds: readonly UserId[]): Observable<boolean> {
    const { lookup, report } = this.#ports;
    const lookedUp = {};
    for (const userId of userIds) this.#update(userId, { latest: lookedUp, waiting: undefined });
    return lookup.gather(userIds, {}).pipe(
      mergeMap((gathered) => this.#gathered(userIds, gathered, lookedUp)),
      // The store was cleared, or the tracker closed.
      catchError((error: unknown) => {
        report({
          type: "watch-failed",
          userIds,
          error,
          retryIn: undefined,
          message: `${userIds.length} watched user(s) cannot be looked up any more`,
        });
        return EMPTY;
      }),
    );
  }

  #gathered(userIds: readonly UserId[], { answers, failures }: Gathered, lookedUp: object): Observable<boolean> {
    const shown = this.#take(
      [...answers.values()].filter(({ userId, reachable }) => reachable || !this.#view.has(userId)),
    );
    // The attempts of a user who has been looked up again since are counted there.
    const latest = userIds.filter((userId) => this.#attempts.get(userId)?.latest === lookedUp);
    for (const userId of latest) if (!this.#isToRetry(answers.get(userId))) this.#update(userId, { failures: 0 });
    this.#retry(
      latest.filter((userId) => this.#isToRetry(answers.get(userId))),
      failures,
    );
    const unreachable = latest.filter((userId) => answers.get(userId)?.reachable !== true);
    const failed = unreachable.filter((userId) => failures.has(userId) || this.#view.has(userId));
    const altered = shown.altered || this.#wanted.length === 0;
    return failed.length === 0 ? of(altered) : concat(of(altered), this.#failed(failed));
  }

  /**
   * A user who was not reached, or whose list was not saved although they did not change: no announcement will have
   * them looked up again.
   */
  #isToRetry(answer: Answer | undefined): boolean {
    if (answer?.reachable !== true) return true;
    const user = this.#ports.tracking.get(answer.userId);
    return answer.superseded && user !== undefined && user.revision === answer.revision;
  }

  #failed(userIds: readonly UserId[]): Observable<boolean> {
    const { lists, scheduler } = this.#ports;
    const unknown = userIds.filter((userId) => !this.#view.has(userId));
    const known$ = unknown.length === 0 ? of<ReadonlyMap<UserId, KnownList>>(new Map()) : lists.lastKnown(unknown);
    return known$.pipe(map((known) => this.#view.fail(userIds, scheduler.now(), known).altered));
  }

  #retry(userIds: readonly UserId[], failures: ReadonlyMap<UserId, unknown>): void {
    const waits = new Map<number, UserId[]>();
    for (const userId of userIds) {
      const attempts = this.#attempts.get(userId);
      const error = failures.get(userId);
      if (attempts === undefined) continue;
      const wait = isFinal(error) ? Number.POSITIVE_INFINITY : waitAfterFailure(attempts.failures, error);
      waits.set(wait, [...(waits.get(wait) ?? []), userId]);
    }
    for (const [wait, waiting] of waits) {
      this.#wait(waiting, wait, "failure");
      for (const userId of waiting) {
        const { failures: before, endedEarly } = this.#attempts.get(userId) ?? { failures: 0, endedEarly: false };
        const mayEndEarly = isDisconnected(failures.get(userId)) && !endedEarly;
        this.#update(userId, {
          failures: before + 1,
          endedEarly: false,
          waiting: mayEndEarly ? "connection" : "failure",
        });
      }
      const error = waiting.map((userId) => failures.get(userId)).find((one) => one !== undefined);
      if (error !== undefined) this.#reportFailure(waiting, wait, error);
    }
  }

  #reportFailure(userIds: readonly UserId[], wait: number, error: unknown): void {
    const isLast = wait === Number.POSITIVE_INFINITY;
    const reason = error instanceof Error ? error.message : String(error);
    const plan = isLast
      ? "they are not queried again until something changes"
      : `they are queried again in ${wait / 1000} s`;
    const message = `${userIds.length} watched user(s) could not be queried (${reason}); ${plan}`;
    this.#ports.report({ type: "watch-failed", userIds, error, retryIn: isLast ? undefined : wait, message });
  }

  #wait(userIds: readonly UserId[], wait: number, waiting: NonNullable<Attempts["waiting"]>): void {
    const shared = new SharedWait(userIds.length);
    for (const userId of userIds) this.#update(userId, { latest: shared, waiting });
    if (wait !== Number.POSITIVE_INFINITY) this.#waits$.next({ userIds, wait, shared });
  }

  /** Durations, not times: a clock that is set back must not prolong a wait. */
  #afterWait({ userIds, wait, shared }: Wait): Observable<boolean> {
    return timer(Math.min(wait, MAX_DELAY), this.#ports.scheduler).pipe(
      map(() => this.#lookUpNow(userIds.filter((userId) => this.#attempts.get(userId)?.latest === shared))),
      takeUntil(shared.abandoned$),
    );
  }

  /** The server has answered something: users whom it was not reached for are looked up at once. */
  #reconnected(): false {
    const userIds = Array.from(this.#attempts).flatMap(([userId, { waiting }]) =>
      waiting === "connection" ? [userId] : [],
    );
    for (const userId of userIds) this.#update(userId, { endedEarly: true });
    return this.#lookUpNow(userIds);
  }

  #lookUpNow(userIds: readonly UserId[]): false {
    if (userIds.length > 0) this.#lookups$.next(userIds);
    return false;
  }

  /** Lists that another caller's query has brought. */
  #cached(lists: ReadonlyMap<UserId, CachedList>): boolean {
    const { tracking } = this.#ports;
    const ours = Array.from(lists).filter(
      ([userId, { revision }]) => this.#view.has(userId) && tracking.get(userId)?.revision === revision,
    );
    for (const [userId] of ours) this.#update(userId, { failures: 0, waiting: undefined, latest: {} });
    return this.#take(ours.map(([userId, cached]) => fromCache(userId, cached))).altered;
  }

  /** Takes answers, and counts those that change nothing: they may be to echoes of our own queries. */
  #take(answers: readonly Answer[]): Shown {
    const shown = this.#view.take(answers);
    for (const userId of shown.changed) this.#update(userId, { unchanged: 0 });
    for (const userId of shown.unchanged)
      this.#update(userId, { unchanged: (this.#attempts.get(userId)?.unchanged ?? 0) + 1 });
    return shown;
  }

  #update(userId: UserId, change: Partial<Attempts>): void {
    const attempts = this.#attempts.get(userId);
    if (attempts === undefined) return;
    const { latest } = attempts;
    Object.assign(attempts, change);
    if (latest !== attempts.latest && latest instanceof SharedWait) latest.leave();
  }
}
