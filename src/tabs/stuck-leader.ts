import {
  defer,
  filter,
  map,
  type Observable,
  of,
  type SchedulerLike,
  startWith,
  switchMap,
  take,
  tap,
  timer,
} from "rxjs";
import type { Channel } from "./channel.js";
import type { Patience } from "./patience.js";

/** How long a follower waits for a sign of the leader before it asks for one, in ms … */
const ASK_AFTER = 1_000;
/** … and the random addition to that: all followers receive an answer, and should not all ask at once. */
const ASK_SPREAD = 500;
/**
 * A timer that is this much late, in ms, shows that this tab was suspended or throttled, and nothing about the leader.
 */
const LATE = 500;

/**
 * Emits once, and completes, when this tab should depose the leader because it does not answer. By then the other
 * followers have been notified, and start waiting again.
 *
 * ```
 * here       --h----------h--------------------
 * ask            (1 s) a                a
 *                      (answered: h)     (1 s) (x|)
 * ```
 *
 * The leader answers from inside the message event, which browsers do not delay; its timers may fire only once a
 * second, or once a minute, in a hidden tab. The asking tab may be hidden too, or was suspended together with the
 * leader (the lid was closed): if its timer fires late, the answer may already be queued behind it, so the tab asks
 * once more before giving up.
 */
export function stuckLeader(channel: Channel, patience: Patience, scheduler: SchedulerLike): Observable<void> {
  // A question comes from another follower and is no sign of the leader. A deposition leads to a new leader.
  const sign$ = channel.signals$.pipe(
    filter((signal) => signal !== "ask"),
    tap((signal) => {
      if (signal === "deposing") patience.deposed();
    }),
  );
  /** Emits whether the timer was late, unless an answer comes first. */
  const unanswered$ = defer(() => {
    const askedAt = scheduler.now();
    const wait = patience.ms;
    channel.send("ask");
    return timer(wait, scheduler).pipe(map(() => scheduler.now() - askedAt > wait + LATE));
  });
  return sign$.pipe(
    startWith(undefined),
    switchMap(() =>
      timer(ASK_AFTER + Math.random() * ASK_SPREAD, scheduler).pipe(
        switchMap(() => unanswered$),
        switchMap((late) => (late ? unanswered$ : of(late))),
      ),
    ),
    take(1),
    map(() => {
      patience.deposed();
      channel.send("deposing");
    }),
  );
}
