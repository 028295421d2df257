import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  switchMap,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { emptyList, sameDeviceList, type DeviceList } from "../trust/device-list.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { Invalidations, TrackedUsers } from "../sync/tracked-users.js";
import { fromCache, toUserDeviceKeys, type Answer } from "../query/answer.js";
import type { DeviceLists } from "../lists/device-lists.js";
import type { CachedList } from "../lists/list-cache.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { Gathered, Lookup } from "./lookup.js";
import type { RecentQueries } from "../query/recent-queries.js";

/** First wait, in ms, before a watcher asks again for a user who could not be asked for, or who was announced right after our query; doubled each time. */
const FIRST_WATCH_WAIT = 30_000;
/** Longest of these waits, in ms. */
const MAX_WATCH_WAIT = 1_800_000;

/** What a watcher needs of the tracker. */
export interface WatchPorts {
  readonly tracked: TrackedUsers;
  readonly memory: ListMemory;
  readonly lists: DeviceLists;
  readonly lookup: Lookup;
  readonly recent: RecentQueries;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/** What is known of one user's look-ups. */
interface Schedule {
  /** The look-up whose answer counts: a later one has been made since any other. */
  lookup: object | undefined;
  /** Times in a row that they could not be asked for. */
  failures: number;
  /** Times in a row that they were announced right after our query. */
  echoes: number;
  /** When they were last invalidated. */
  invalidatedAt: number;
  /** Whether they have been looked up again right after our query since they last changed at another time: what was asked was refused, as another tab had committed a change. */
  hurried: boolean;
}

/**
 * The device lists of some users, live.
 *
 * 1. Everybody is looked up; once all are there, the first map is emitted.
 * 2. A user who changes is looked up again; a map is emitted when their list, or how far it can be relied on, is another one.
 * 3. A user who cannot be asked for is asked for again after 30 s, doubling to 30 min; so is one announced within 10 s of our query,
 *    or a server that announces users because they were asked for would keep us asking for ever. Where it was no announcement, but the store that refused what was asked, that begins with the second time.
 */
export function watchDeviceKeys(wanted: readonly UserId[], ports: WatchPorts): Observable<DeviceKeysByUser> {
  return defer(() => new Watch(wanted, ports).run());
}

class Watch {
  readonly #wanted: readonly UserId[];
  readonly #ports: WatchPorts;
  readonly #schedules: ReadonlyMap<UserId, Schedule>;
  readonly #answers = new Map<UserId, Answer>();
  /** What was made of the answers last. */
  readonly #shown = new Map<UserId, UserDeviceKeys>();
  readonly #due$ = new Subject<readonly UserId[]>();
  /** Who waits, and until when. */
  readonly #waiting = new Map<UserId, number>();
  readonly #waitingChanged$ = new Subject<void>();

  constructor(wanted: readonly UserId[], ports: WatchPorts) {
    this.#wanted = wanted;
    this.#ports = ports;
    this.#schedules = new Map(
      wanted.map((userId) => [
        userId,
        { lookup: undefined, failures: 0, echoes: 0, invalidatedAt: Number.NEGATIVE_INFINITY, hurried: false },
      ]),
    );
  }

  run(): Observable<DeviceKeysByUser> {
    const { tracked, memory } = this.#ports;
    const wakeUps$ = this.#waitingChanged$.pipe(
      switchMap(() => this.#nextWakeUp()),
      tap(() => this.#due$.next(this.#takeDue())),
      ignoreElements(),
    );
    const invalidated$ = tracked.invalidations$.pipe(map((invalidations) => this.#invalidated(invalidations)));
    const trusted$ = tracked.trusted$.pipe(map(() => this.#isTrustedAgain()));
    const fetchedByOthers$ = memory.cached$.pipe(map((fetched) => this.#fetchedByOthers(fetched)));
    // Last the first look-up: what it causes must find everything else in place.
    const lookedUp$ = merge(this.#due$, of(this.#wanted)).pipe(mergeMap((userIds) => this.#lookUp(userIds)));
    const verified$ = memory.ourKeyChanges$.pipe(map(() => this.#isVerifiedOtherwise()));
    return merge(wakeUps$, invalidated$, trusted$, fetchedByOthers$, verified$, lookedUp$).pipe(
      filter((altered) => altered && this.#answers.size === this.#wanted.length),
      map(() => this.#view()),
    );
  }

  /** Everybody, as far as their list can be relied on at this moment: a user may have changed whose new list is not there yet. */
  #view(): DeviceKeysByUser {
    for (const [userId, answer] of this.#answers) this.#shown.set(userId, this.#entry(answer));
    const view = new Map<UserId, UserDeviceKeys>();
    for (const userId of this.#wanted) {
      const shown = this.#shown.get(userId);
      if (shown !== undefined) view.set(userId, shown);
    }
    return view;
  }

  #entry(answer: Answer): UserDeviceKeys {
    const { tracked, memory } = this.#ports;
    const user = tracked.get(answer.userId);
    const entry = toUserDeviceKeys(answer, user, { inDoubt: tracked.inDoubt, ourKey: memory.ourKey });
    // Who has left is not asked for again: they do not stay superseded.
    return entry.freshness === "superseded" && user === undefined ? { ...entry, freshness: "untracked" } : entry;
  }

  /** Looks users up; whether that altered what is shown. */
  #lookUp(userIds: readonly UserId[]): Observable<boolean> {
    const { lookup, lists } = this.#ports;
    const thisOne = {};
    for (const userId of userIds) {
      this.#update(userId, { lookup: thisOne });
      this.#waiting.delete(userId);
    }
    return lookup.gather(userIds, {}, "gather").pipe(
      mergeMap((gathered) => {
        // A user who has been looked up again meanwhile: that answer is the newer one, whichever comes first.
        const ours = userIds.filter((userId) => this.#schedules.get(userId)?.lookup === thisOne);
        this.#reschedule(ours, gathered);
        const altered =
          this.#show(ours.flatMap((userId) => gathered.answers.get(userId) ?? [])) || this.#wanted.length === 0;
        const unknown = ours.filter((userId) => gathered.failures.has(userId) && !this.#answers.has(userId));
        if (unknown.length === 0) return of(altered);
        const standIns$ = lists
          .lastKnown(unknown)
          .pipe(
            map((known) =>
              this.#show(
                unknown
                  .filter((userId) => !this.#answers.has(userId))
                  .map((userId) => this.#standIn(userId, known.get(userId)?.list)),
              ),
            ),
          );
        return concat(of(altered), standIns$);
      }),
      // The store was cleared: there is nothing to look up any more.
      catchError((error: unknown) => {
        this.#ports.report({
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

  /** What is shown of a user for whom our homeserver gave no answer, and of whom nothing else is known. */
  #standIn(userId: UserId, lastKnown: DeviceList | undefined): Answer {
    const list = emptyList(this.#ports.scheduler.now());
    return {
      userId,
      list,
      revision: undefined,
      superseded: false,
      reachable: false,
      ...(lastKnown !== undefined && { lastKnown }),
    };
  }

  /** Takes answers in; whether what is to be seen of them is anything new. */
  #show(answers: readonly Answer[]): boolean {
    let altered = false;
    for (const answer of answers) {
      const { userId } = answer;
      const entry = this.#entry(answer);
      const shown = this.#shown.get(userId);
      const before = this.#answers.get(userId);
      // What another caller's query brought meanwhile is as new as all that is known.
      if (entry.freshness === "superseded" && before !== undefined && this.#entry(before).freshness === "current")
        continue;
      const sameList = shown !== undefined && sameDeviceList(shown, entry);
      // A superseded list that says nothing new: the look-up that the change has caused decides.
      if (sameList && entry.freshness === "superseded") {
        if (!answer.superseded) this.#answers.set(userId, answer); // perhaps only because steps are missing: once they are known, this one counts
        continue;
      }
      this.#answers.set(userId, answer);
      this.#shown.set(userId, entry);
      if (!sameList || shown.freshness !== entry.freshness) altered = true;
    }
    return altered;
  }

  #reschedule(userIds: readonly UserId[], { answers, failures }: Gathered): void {
    const failed: UserId[] = [];
    for (const userId of userIds) {
      if (answers.get(userId)?.reachable === true) this.#update(userId, { failures: 0 });
      else failed.push(userId);
    }
    this.#wait(failed, "failures");
    const told = failed.filter((userId) => failures.has(userId));
    const [first] = told;
    if (first === undefined) return;
    const retryIn = (this.#waiting.get(first) ?? 0) - this.#ports.scheduler.now();
    const message = `${told.length} watched user(s) could not be asked for; asked again in ${retryIn / 1000} s`;
    this.#ports.report({ type: "watch-failed", userIds: told, error: failures.get(first), retryIn, message });
  }

  #invalidated({ invalidated, left, announced }: Invalidations): boolean {
    const now = this.#ports.scheduler.now();
    const due: UserId[] = [];
    const echoes: UserId[] = [];
    for (const userId of invalidated) {
      const schedule = this.#schedules.get(userId);
      if (schedule === undefined) continue;
      if (!this.#ports.recent.has(userId, now)) {
        // Of another tab's query we do not know: its echo comes when our wait is over, or shortly after.
        const isCalm =
          now - schedule.invalidatedAt >= 0.75 * Math.min(FIRST_WATCH_WAIT * 2 ** schedule.echoes, 2 * MAX_WATCH_WAIT);
        if (isCalm) schedule.echoes = 0;
        schedule.hurried = false;
        due.push(userId);
      } else if (!announced && !schedule.hurried) {
        schedule.hurried = true;
        due.push(userId);
      } else if (!this.#waiting.has(userId)) echoes.push(userId);
      schedule.invalidatedAt = now;
    }
    this.#wait(echoes, "echoes");
    let altered = false;
    for (const userId of left) {
      const answer = this.#answers.get(userId);
      const shown = this.#shown.get(userId);
      if (answer === undefined || shown?.freshness === this.#entry(answer).freshness) continue;
      altered = true;
    }
    if (due.length > 0) this.#due$.next(due);
    return altered;
  }

  /** Whether anybody was shown as superseded only because steps were missing. */
  #isTrustedAgain(): boolean {
    return Array.from(this.#answers.values()).some(
      (answer) =>
        this.#shown.get(answer.userId)?.freshness === "superseded" && this.#entry(answer).freshness === "current",
    );
  }

  /** Whether what our own user-signing key says of anybody is not what is shown. */
  #isVerifiedOtherwise(): boolean {
    return Array.from(this.#answers.values()).some(
      (answer) => this.#shown.get(answer.userId)?.identity.verified !== this.#entry(answer).identity.verified,
    );
  }

  /** Lists that another caller's query has brought: there is no need to ask for them once more. */
  #fetchedByOthers(fetched: ReadonlyMap<UserId, CachedList>): boolean {
    const answers: Answer[] = [];
    for (const [userId, cached] of fetched) {
      if (!this.#answers.has(userId) || this.#ports.tracked.get(userId)?.revision !== cached.revision) continue;
      this.#waiting.delete(userId);
      answers.push(fromCache(userId, cached));
    }
    return this.#show(answers);
  }

  #update(userId: UserId, change: Partial<Schedule>): void {
    const schedule = this.#schedules.get(userId);
    if (schedule !== undefined) Object.assign(schedule, change);
  }

  /** Users are to be looked up after a wait that doubles with each failure, or each echo, in a row. */
  #wait(userIds: readonly UserId[], reason: "failures" | "echoes"): void {
    const now = this.#ports.scheduler.now();
    for (const userId of userIds) {
      const schedule = this.#schedules.get(userId);
      if (schedule === undefined) continue;
      this.#waiting.set(userId, now + Math.min(FIRST_WATCH_WAIT * 2 ** schedule[reason], MAX_WATCH_WAIT));
      schedule[reason]++;
    }
    if (userIds.length > 0) this.#waitingChanged$.next();
  }

  #nextWakeUp(): Observable<unknown> {
    const { scheduler } = this.#ports;
    let first = Number.POSITIVE_INFINITY;
    for (const time of this.#waiting.values()) first = Math.min(first, time);
    return first === Number.POSITIVE_INFINITY ? EMPTY : timer(first - scheduler.now(), scheduler);
  }

  /** Who has waited long enough; the others wait on. */
  #takeDue(): readonly UserId[] {
    const now = this.#ports.scheduler.now();
    const due = Array.from(this.#waiting).flatMap(([userId, time]) => (time <= now ? [userId] : []));
    for (const userId of due) this.#waiting.delete(userId);
    this.#waitingChanged$.next();
    return due;
  }
}
