import { defer, EMPTY, filter, map, merge, mergeMap, of, startWith, Subject, tap, timer, type Observable, type SchedulerLike } from "rxjs";
import { sameDeviceList } from "../keys/device-list.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { toUserDeviceKeys, type Answer } from "./answer.js";
import type { DeviceLists } from "./device-lists.js";
import type { Gathered, Lookup } from "./lookup.js";

/** First wait, in ms, before a watcher asks again for a user who could not be asked for, or who was announced right after our query; doubled each time. */
export const FIRST_WATCH_WAIT = 30_000;
/** Longest of these waits, in ms. */
export const MAX_WATCH_WAIT = 1_800_000;
/** A change announced within this time of our query, in ms, may have been announced because of it: some servers do that. */
export const ECHO_TIME = 10_000;

/** What a watcher needs of the tracker. */
export interface WatchPorts {
  readonly tracked: TrackedUsers;
  readonly lists: DeviceLists;
  readonly lookup: Lookup;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/** When one user is to be asked for again. */
interface Schedule {
  /** When the last query for them that this watcher caused was sent. */
  askedAt: number;
  /** When this watcher began to ask, while it waits for the answer. */
  asking: number | undefined;
  /** Times in a row that they could not be asked for. */
  failures: number;
  /** Times in a row that they were announced right after our query. */
  echoes: number;
  /** The turn in which they are to be asked for, while there is one to come. */
  turn: object | undefined;
}

/**
 * The device lists of some users, live.
 *
 * 1. Everybody is looked up; once all are there, the first map is emitted.
 * 2. A user who changes is looked up again; a map is emitted when their list, or how far it can be relied on, is another one.
 * 3. A user who cannot be asked for is asked for again after 30 s, doubling to 30 min; so is one announced within 10 s of our query,
 *    or a server that announces users because they were asked for would keep us asking for ever.
 */
export function watchDeviceKeys(wanted: readonly UserId[], ports: WatchPorts): Observable<DeviceKeysByUser> {
  return defer(() => new Watch(wanted, ports).run());
}

class Watch {
  readonly #wanted: readonly UserId[];
  readonly #ports: WatchPorts;
  readonly #schedules: ReadonlyMap<UserId, Schedule>;
  readonly #shown = new Map<UserId, UserDeviceKeys>();
  readonly #due$ = new Subject<readonly UserId[]>();
  readonly #later$ = new Subject<{ readonly userIds: readonly UserId[]; readonly wait: number; readonly turn: object }>();

  constructor(wanted: readonly UserId[], ports: WatchPorts) {
    this.#wanted = wanted;
    this.#ports = ports;
    this.#schedules = new Map(wanted.map((userId) => [userId, { askedAt: Number.NEGATIVE_INFINITY, asking: undefined, failures: 0, echoes: 0, turn: undefined }]));
  }

  run(): Observable<DeviceKeysByUser> {
    const { tracked, lists, scheduler } = this.#ports;
    const waits$ = this.#later$.pipe(
      mergeMap(({ userIds, wait, turn }) =>
        timer(wait, scheduler).pipe(
          tap(() => {
            this.#due$.next(userIds.filter((userId) => this.#schedules.get(userId)?.turn === turn));
          }),
        ),
      ),
      mergeMap(() => EMPTY),
    );
    const invalidated$ = tracked.invalidations$.pipe(map(({ invalidated, left }) => this.#invalidated(invalidated, left)));
    const fetchedByOthers$ = lists.cached$.pipe(map((userIds) => this.#fetchedByOthers(userIds)));
    const asked$ = this.#due$.pipe(
      startWith(this.#wanted),
      mergeMap((userIds) => this.#ask(userIds)),
    );
    return merge(waits$, invalidated$, fetchedByOthers$, asked$).pipe(
      filter((altered) => altered && this.#shown.size === this.#wanted.length),
      map(() => new Map(this.#wanted.flatMap((userId) => this.#entry(userId)))),
    );
  }

  #entry(userId: UserId): [UserId, UserDeviceKeys][] {
    const shown = this.#shown.get(userId);
    return shown === undefined ? [] : [[userId, shown]];
  }

  /** Looks users up; whether that altered what is shown. */
  #ask(userIds: readonly UserId[]): Observable<boolean> {
    const { lookup, lists, scheduler } = this.#ports;
    const start = scheduler.now();
    for (const userId of userIds) {
      const schedule = this.#schedules.get(userId);
      if (schedule !== undefined) Object.assign(schedule, { asking: start, turn: undefined });
    }
    return lookup.gather(userIds, {}, "gather").pipe(
      mergeMap((gathered) => {
        this.#reschedule(userIds, gathered, start);
        const results = lookup.result(userIds, gathered.answers);
        const missing = Array.from(gathered.failures.keys()).filter((userId) => !this.#shown.has(userId));
        if (missing.length === 0) return of(this.#show(results) || this.#wanted.length === 0);
        return lists.lastKnown(missing).pipe(
          map((known) => this.#show(new Map([...results, ...missing.map((userId): [UserId, UserDeviceKeys] => [userId, this.#placeholder(known.get(userId)?.list)])]))),
        );
      }),
    );
  }

  /** What is shown of a user for whom our homeserver gave no answer, and of whom nothing else is known. */
  #placeholder(lastKnown: Parameters<typeof toUserDeviceKeys>[2]): UserDeviceKeys {
    return toUserDeviceKeys({ deviceKeys: new Map(), rejected: new Map(), fetchedAt: this.#ports.scheduler.now() }, "unreachable", lastKnown);
  }

  #show(results: DeviceKeysByUser): boolean {
    let altered = false;
    for (const [userId, result] of results) {
      const shown = this.#shown.get(userId);
      const sameList = shown !== undefined && sameDeviceList(shown, result);
      // A superseded list that says nothing new: the next answer decides.
      if (sameList && result.freshness === "superseded") continue;
      this.#shown.set(userId, result);
      if (!sameList || shown.freshness !== result.freshness) altered = true;
    }
    return altered;
  }

  #reschedule(userIds: readonly UserId[], { answers, failures }: Gathered, start: number): void {
    const failed: UserId[] = [];
    for (const userId of userIds) {
      const schedule = this.#schedules.get(userId);
      if (schedule === undefined) continue;
      const answer = answers.get(userId);
      schedule.asking = undefined;
      if (answer === undefined || answer.list.fetchedAt >= start) schedule.askedAt = start;
      if (answer?.reachable === true) schedule.failures = 0;
      else failed.push(userId);
    }
    const waits = this.#wait(failed, (schedule) => schedule.failures++);
    const [error] = failures.values();
    const told = failed.filter((userId) => failures.has(userId));
    if (told.length > 0) {
      const [retryIn = FIRST_WATCH_WAIT] = waits;
      this.#ports.report({ type: "watch-failed", userIds: told, error, retryIn, message: `${told.length} watched user(s) could not be asked for; asked again in ${retryIn / 1000} s` });
    }
  }

  #invalidated(invalidated: readonly UserId[], left: readonly UserId[]): boolean {
    const now = this.#ports.scheduler.now();
    const due: UserId[] = [];
    const echoes: UserId[] = [];
    for (const userId of invalidated) {
      const schedule = this.#schedules.get(userId);
      if (schedule === undefined) continue;
      if (now - (schedule.asking ?? schedule.askedAt) >= ECHO_TIME) {
        schedule.echoes = 0;
        due.push(userId);
      } else if (schedule.turn === undefined) echoes.push(userId);
    }
    this.#wait(echoes, (schedule) => schedule.echoes++);
    let altered = false;
    for (const userId of left) {
      const shown = this.#shown.get(userId);
      if (shown === undefined || shown.freshness === "untracked") continue;
      this.#shown.set(userId, { ...shown, freshness: "untracked" });
      altered = true;
    }
    if (due.length > 0) this.#due$.next(due);
    return altered;
  }

  /** Lists that another caller's query has brought: there is no need to ask for them once more. */
  #fetchedByOthers(userIds: readonly UserId[]): boolean {
    const { lookup, lists, tracked } = this.#ports;
    const fetched = new Map<UserId, Answer>();
    for (const userId of userIds) {
      const schedule = this.#schedules.get(userId);
      const user = tracked.get(userId);
      if (schedule === undefined || schedule.asking !== undefined || user === undefined) continue;
      const list = lists.cached(userId, user.revision);
      if (list === undefined) continue;
      schedule.turn = undefined;
      fetched.set(userId, { list, revision: user.revision, superseded: false, reachable: true });
    }
    return fetched.size > 0 && this.#show(lookup.result([...fetched.keys()], fetched));
  }

  /** Users are to be asked for after a wait that doubles with each `count`; the different waits there are. */
  #wait(userIds: readonly UserId[], count: (schedule: Schedule) => number): readonly number[] {
    const byWait = new Map<number, UserId[]>();
    for (const userId of userIds) {
      const schedule = this.#schedules.get(userId);
      if (schedule === undefined) continue;
      const wait = Math.min(FIRST_WATCH_WAIT * 2 ** Math.min(count(schedule), 16), MAX_WATCH_WAIT);
      const together = byWait.get(wait);
      if (together === undefined) byWait.set(wait, [userId]);
      else together.push(userId);
    }
    for (const [wait, users] of byWait) {
      const turn = {};
      for (const userId of users) {
        const schedule = this.#schedules.get(userId);
        if (schedule !== undefined) schedule.turn = turn;
      }
      this.#later$.next({ userIds: users, wait, turn });
    }
    return [...byWait.keys()];
  }
}
