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
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { CachedList } from "../lists/list-cache.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { KnownList, SavedLists } from "../lists/saved-lists.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceKeysByUser } from "../model/results.js";
import { fromCache, type Answer } from "../query/answer.js";
import type { Invalidations, Tracking } from "../sync/tracking.js";
import type { Gathered } from "./gathering.js";
import type { Lookup } from "./lookup.js";
import { RequerySchedule, type FailedLookup } from "./requery-schedule.js";
import { WatchedLists, type Shown } from "./watched-lists.js";

export interface WatchPorts {
  readonly tracking: Tracking;
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly lookup: Lookup;
  /** Emits users whose lists another tab saved. */
  readonly savedElsewhere$: Observable<readonly UserId[]>;
  /** Emits when the homeserver has answered a request. */
  readonly connected$: Observable<unknown>;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Watches the device lists of some users.
 *
 * 1. All users are looked up; the first map is emitted once every user has an answer or has failed.
 * 2. A change, a failed query or a refused save emits at once: the previous list with its new freshness.
 * 3. An announced user is queried at once. If the last three answers changed nothing, the query waits 1 s, doubling to
 *    5 min. After 20 announcements at once, the user is queried once a second.
 * 4. A failed query is retried after 2 s, doubling to 5 min, but not sooner than the server asks. An announcement of
 *    the user, or a response of the server, triggers a retry at once; if that fails too, only time ends the next wait.
 * 5. A user of a homeserver that failed recently is shown as unreachable while their query is in flight.
 */
export function watchDeviceKeys(wanted: readonly UserId[], ports: WatchPorts): Observable<DeviceKeysByUser> {
  return defer(() => new Watcher(wanted, ports).run());
}

class Watcher {
  readonly #wanted: readonly UserId[];
  readonly #ports: WatchPorts;
  readonly #view: WatchedLists;
  readonly #schedule: RequerySchedule;
  readonly #lookups$ = new Subject<readonly UserId[]>();

  constructor(wanted: readonly UserId[], ports: WatchPorts) {
    this.#wanted = wanted;
    this.#ports = ports;
    this.#view = new WatchedLists(wanted, ports.tracking, ports.memory);
    this.#schedule = new RequerySchedule(wanted, ports.scheduler);
  }

  run(): Observable<DeviceKeysByUser> {
    const { tracking, memory, savedElsewhere$, connected$ } = this.#ports;
    const schedule = this.#schedule;
    const altered$ = merge(
      tracking.invalidations$.pipe(mergeMap((invalidations) => this.#invalidated(invalidations))),
      merge(tracking.doubtChanges$, memory.ourKeyChanges$).pipe(map(() => this.#view.isStale())),
      memory.cached$.pipe(map((lists) => this.#cached(lists))),
      savedElsewhere$.pipe(map((userIds) => this.#lookUpNow(userIds.filter((userId) => schedule.has(userId))))),
      connected$.pipe(map(() => this.#lookUpNow(schedule.reconnected()))),
      schedule.due$.pipe(map((userIds) => this.#lookUpNow(userIds))),
      // The first lookup comes last: what it causes needs everything else in place.
      merge(this.#lookups$, of(this.#wanted)).pipe(mergeMap((userIds) => this.#lookUp(userIds))),
    );
    return altered$.pipe(
      filter((altered) => altered && this.#view.isComplete),
      map(() => this.#view.view()),
    );
  }

  #invalidated({ invalidated, left }: Invalidations): Observable<boolean> {
    const now = this.#schedule.announced(invalidated);
    const altered = this.#view.isStale([...invalidated, ...left].filter((userId) => this.#schedule.has(userId)));
    // Emits what is already known before the lookup's results.
    return concat(
      of(altered),
      defer(() => of(this.#lookUpNow(now))),
    );
  }

  /** Looks users up. Emits true if that altered what is shown. */
  #lookUp(userIds: readonly UserId[]): Observable<boolean> {
    const { lookup, report } = this.#ports;
    const begun = this.#schedule.begin(userIds);
    return lookup.gather(userIds, {}).pipe(
      mergeMap((gathered) => this.#gathered(gathered, begun)),
      // The store was cleared, or the tracker closed.
      catchError((error: unknown) => {
        const message = `${userIds.length} watched user(s) cannot be looked up any more`;
        report({ type: "watch-failed", userIds, error, retryIn: undefined, message });
        return EMPTY;
      }),
    );
  }

  #gathered({ answers, failures, pending }: Gathered, begun: object): Observable<boolean> {
    const shown = this.#take(
      [...answers.values()].filter(({ userId, reachable }) => reachable || !this.#view.has(userId)),
    );
    const all = [...answers.keys(), ...failures.keys()];
    // A user that has been looked up again since is counted by that lookup.
    const latest = new Set(this.#schedule.latestOf(all, begun));
    const isPending = new Set(pending);
    const toRetry: UserId[] = [];
    for (const userId of all) {
      if (isPending.has(userId)) continue; // another value has their answer
      const answer = answers.get(userId);
      if (!latest.has(userId)) {
        // An announcement has overtaken this failure, so it is not retried; but it has changed nothing, either.
        if (answer?.reachable !== true) this.#schedule.answered(userId, false);
      } else if (this.#isToRetry(answer)) toRetry.push(userId);
      else this.#schedule.succeeded(userId);
    }
    for (const failed of this.#schedule.failed(toRetry, failures)) this.#report(failed);
    const unreachable = [...latest].filter((userId) => answers.get(userId)?.reachable !== true);
    const failed = unreachable.filter((userId) => failures.has(userId) || this.#view.has(userId));
    const altered = shown.altered || this.#wanted.length === 0;
    return failed.length === 0 ? of(altered) : concat(of(altered), this.#failed(failed));
  }

  /**
   * True if the user was not reached, or if their list was not saved although they did not change: no announcement will
   * trigger another lookup.
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

  #report({ userIds, wait, error }: FailedLookup): void {
    if (error === undefined) return;
    const isLast = wait === Number.POSITIVE_INFINITY;
    const plan = isLast
      ? "they are not queried again until something changes"
      : `they are queried again in ${wait / 1000} s`;
    const message = `${userIds.length} watched user(s) could not be queried (${reasonOf(error)}); ${plan}`;
    this.#ports.report({ type: "watch-failed", userIds, error, retryIn: isLast ? undefined : wait, message });
  }

  #lookUpNow(userIds: readonly UserId[]): false {
    if (userIds.length > 0) this.#lookups$.next(userIds);
    return false;
  }

  /** Takes lists that another caller's query has fetched. */
  #cached(lists: ReadonlyMap<UserId, CachedList>): boolean {
    const { tracking } = this.#ports;
    const ours = Array.from(lists).filter(
      ([userId, { revision }]) => this.#view.has(userId) && tracking.get(userId)?.revision === revision,
    );
    for (const [userId] of ours) this.#schedule.fetched(userId);
    return this.#take(ours.map(([userId, cached]) => fromCache(userId, cached))).altered;
  }

  #take(answers: readonly Answer[]): Shown {
    const shown = this.#view.take(answers);
    for (const userId of shown.changed) this.#schedule.answered(userId, true);
    for (const userId of shown.unchanged) this.#schedule.answered(userId, false);
    return shown;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
