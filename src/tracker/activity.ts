import { auditTime, defer, map, merge, of, Subject, type Observable, type SchedulerLike } from "rxjs";
import type { CountActivity, TrackerActivity } from "../model/activity.js";

type Counts = { -readonly [Name in keyof TrackerActivity]: number };

export class Activity {
  readonly #changes$ = new Subject<void>();
  readonly #counts: Counts = {
    waiting: 0,
    inFlight: 0,
    fetched: 0,
    toFetch: 0,
    verified: 0,
    hits: 0,
    misses: 0,
    superseded: 0,
    refused: 0,
  };

  readonly count: CountActivity = (changes) => {
    const counts = this.#counts;
    // Progress starts over with the first user after a pause.
    if (changes.toFetch !== undefined && changes.toFetch > 0 && counts.fetched === counts.toFetch)
      Object.assign(counts, { fetched: 0, toFetch: 0 });
    for (const name in changes) counts[name as keyof Counts] += changes[name as keyof Counts] ?? 0;
    this.#changes$.next();
  };

  /** Emits the current counts, and again after each task that changed them: a lookup changes them once per user. */
  values(scheduler: SchedulerLike): Observable<TrackerActivity> {
    const now$ = defer(() => of({ ...this.#counts }));
    const later$ = this.#changes$.pipe(
      auditTime(0, scheduler),
      map(() => ({ ...this.#counts })),
    );
    return merge(later$, now$); // a subscriber may cause changes from inside the first value
  }
}
