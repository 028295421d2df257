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
/** … and up to how much longer, by chance: all followers hear an answer, and should not all ask at the same moment. */
const ASK_SPREAD = 500;
/** A timer this much late, in ms, means that this tab was suspended or throttled, and says nothing about the leader. */
const LATE = 500;

/**
 * Emits once, and completes, when this tab should depose the leader because it does not answer. The other followers
 * have then been notified, and start to wait anew.
 *
 * ```
 * here       --h----------h--------------------
 * ask            (1 s) a                a
 *                      (answered: h)     (1 s) (x|)
 * ```
 *
 * The leader's own timers play no part: in a hidden tab they fire once a second, or once a minute. It answers from
 * inside the message event, which browsers do not delay. The asking tab may be hidden too, or was suspended together
 * with the leader (the lid was closed): if its own timer fires late, the answer may already be queued behind the timer,
 * so it asks once more before giving up.
 */
export function stuckLeader(channel: Channel, patience: Patience, scheduler: SchedulerLike): Observable<void> {
  // A question comes from another follower and is no sign of the leader. A deposition leads to a new one.
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
