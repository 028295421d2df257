import { mergeMap, Subject, timer, type Observable, type SchedulerLike } from "rxjs";
import { waitAfterAnnouncement } from "../lookup/announcement-wait.js";
import { waitAfterFailure, type FailedLookups, type WaitEnd } from "../lookup/failure-wait.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";

/** How often in a row a user is looked up at once although nothing has happened. After that it is a failure. */
const MAX_TRIES = 3;

interface Attempts extends FailedLookups {
  /** Lookups in a row without news. */
  readonly tries: number;
  /** What ends the wait for the next lookup, if one is scheduled. */
  readonly waiting: WaitEnd | undefined;
  /** Identifies the wait. */
  readonly wait: object | undefined;
}

const NO_ATTEMPTS: Attempts = {
  failures: 0,
  isEarly: false,
  inVain: 0,
  tries: 0,
  waiting: undefined,
  wait: undefined,
};

/** What followed a user's announcements. */
interface Echo {
  /** Answers in a row that changed nothing. */
  readonly unchanged: number;
  /** True if the user has been announced since the last answer. */
  readonly isAnnounced: boolean;
}

/** Schedules lookups of users whose lists could not be given to a machine: after 2 s, doubling to 5 min. */
export class Retries {
  readonly #attempts = new Map<UserId, Attempts>();
  /** Echoes of announced users: some servers announce a user because we queried them. */
  readonly #echoes = new Map<UserId, Echo>();
  readonly #waits$ = new Subject<{
    readonly wait: object;
    readonly time: number;
    readonly userIds: readonly UserId[];
  }>();
  readonly #scheduler: SchedulerLike;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** Emits when a wait is over. */
  get due$(): Observable<void> {
    return this.#waits$.pipe(
      mergeMap(({ wait, time, userIds }) =>
        timer(Math.min(time, MAX_DELAY), this.#scheduler).pipe(
          mergeMap(() => {
            const over = userIds.filter((userId) => this.#attempts.get(userId)?.wait === wait);
            for (const userId of over) this.#update(userId, { waiting: undefined, wait: undefined });
            return over.length > 0 ? [undefined] : [];
          }),
        ),
      ),
    );
  }

  isWaiting(userId: UserId): boolean {
    return this.#attempts.get(userId)?.waiting !== undefined;
  }

  /** Call before a user is looked up. Returns false if that has failed several times in a row. */
  mayTry(userId: UserId): boolean {
    const { tries } = this.#attempts.get(userId) ?? NO_ATTEMPTS;
    this.#update(userId, { tries: tries + 1 });
    return tries < MAX_TRIES;
  }

  /** The machine was given these lists. These lookups still count if it asks for them again. */
  succeeded(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      if (this.#attempts.has(userId)) this.#update(userId, { failures: 0, isEarly: false, inVain: 0 });
      const echo = this.#echoes.get(userId);
      if (echo?.isAnnounced === true) this.#echoes.set(userId, { unchanged: echo.unchanged + 1, isAnnounced: false });
    }
  }

  /** The user's list has changed, or the user has left. */
  changed(userId: UserId): void {
    this.#echoes.delete(userId);
    if (this.isWaiting(userId)) this.#endWait(userId);
  }

  /** Forgets all other users: the machine only wants the lists of these. */
  keepOnly(userIds: ReadonlySet<UserId>): void {
    for (const userId of this.#attempts.keys()) if (!userIds.has(userId)) this.#attempts.delete(userId);
  }

  /** The lookup of these users failed. Returns the time until the first of them is due, in ms. */
  failed(userIds: readonly UserId[], error: unknown): number {
    const groups = new Map<number, UserId[]>();
    for (const userId of userIds) {
      const before = this.#attempts.get(userId) ?? NO_ATTEMPTS;
      const { wait: time, endedBy } = waitAfterFailure(before, error);
      const inVain = before.inVain + (before.isEarly ? 1 : 0);
      this.#update(userId, { failures: before.failures + 1, inVain, isEarly: false, tries: 0, waiting: endedBy });
      const group = groups.get(time);
      if (group === undefined) groups.set(time, [userId]);
      else group.push(userId); // copying groups of many users would take seconds
    }
    for (const [time, waiting] of groups) this.#wait(waiting, time);
    return Math.min(...groups.keys());
  }

  /**
   * These users were announced, so their servers can be reached. If that changed nothing several times in a row, they
   * are due later, as for a watcher.
   */
  announced(userIds: readonly UserId[]): void {
    for (const userId of userIds) {
      const { unchanged } = this.#echoes.get(userId) ?? { unchanged: 0 };
      this.#echoes.set(userId, { unchanged, isAnnounced: true });
      const attempts = this.#attempts.get(userId);
      if (attempts?.waiting === "time") continue;
      if (attempts !== undefined) this.#endWait(userId);
      const time = waitAfterAnnouncement(unchanged, 0, this.#scheduler.now());
      if (time <= 0) continue;
      this.#update(userId, { waiting: "time" });
      this.#wait([userId], time);
    }
  }

  /** The server has answered a request. */
  responded(): void {
    for (const [userId, { waiting }] of this.#attempts) if (waiting === "response") this.#endWait(userId);
  }

  #wait(userIds: readonly UserId[], time: number): void {
    const wait = {};
    for (const userId of userIds) this.#update(userId, { wait });
    if (time !== Number.POSITIVE_INFINITY) this.#waits$.next({ wait, time, userIds });
  }

  #endWait(userId: UserId): void {
    this.#update(userId, { tries: 0, isEarly: true, waiting: undefined, wait: undefined });
  }

  #update(userId: UserId, change: Partial<Attempts>): void {
    this.#attempts.set(userId, { ...NO_ATTEMPTS, ...this.#attempts.get(userId), ...change });
  }
}
