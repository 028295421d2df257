import { defer, map, of, startWith, switchMap, take, timer, type Observable, type SchedulerLike } from "rxjs";

/** A timer that goes off this much too late, in ms, says that this tab was suspended or throttled, and nothing about the leader. */
const LATE = 500;

/** How to listen for the leader. */
export interface Listening {
  /** Each sign that there is a leader. */
  readonly sign$: Observable<unknown>;
  /** How long there may be none before the leader is asked for one, in ms. */
  readonly askAfter: () => number;
  /** Asks it for one. */
  readonly ask: () => void;
  /** How long it may take to answer, in ms. */
  readonly patience: () => number;
  readonly scheduler: SchedulerLike;
}

/**
 * Emits once, and completes, when the leader gives no sign of life although it was asked.
 *
 * ```
 * sign$      --s----------s--------------------
 * ask            (1 s) a                a
 *                      (answered: s)     (1 s) (x|)
 * ```
 *
 * Nothing depends on timers of the leader: those of a hidden tab go off once a second, or once a minute. It is asked, and answers from inside the event
 * of the message, which browsers do not put off. The one who asks may be hidden as well, or have been suspended together with the leader (the lid was closed):
 * where its own timer is late, the answer may lie unread behind it, so it asks a second time, and whoever answers neither is gone.
 */
export function silence({ sign$, askAfter, ask, patience, scheduler }: Listening): Observable<void> {
  const unanswered$ = defer(() => {
    const askedAt = scheduler.now();
    const wait = patience();
    ask();
    return timer(wait, scheduler).pipe(map(() => scheduler.now() - askedAt > wait + LATE));
  });
  return sign$.pipe(
    startWith(undefined),
    switchMap(() =>
      timer(askAfter(), scheduler).pipe(
        switchMap(() => unanswered$),
        switchMap((late) => (late ? unanswered$ : of(late))),
      ),
    ),
    map(() => undefined),
    take(1),
  );
}
