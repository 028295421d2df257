import { forkJoin, type Observable, race, type SchedulerLike, take, timer } from "rxjs";
import { online } from "./online.js";

export interface Wait {
  /** In ms. */
  readonly ms: number;
  /** The wait that the server requires, in ms: coming online does not shorten it. */
  readonly atLeast: number;
}

/**
 * Emits when the wait is over, and completes: after `ms`, or once the browser has come online and `atLeast` has passed.
 *
 * ```
 * atLeast, ms        ---|-----|
 * online             ----o
 *                    ----(x|)
 * online             -o
 *                    ---(x|)      not before atLeast
 * ```
 *
 * Without an `online` event (Node), only time counts. Unsubscribing removes the listener.
 */
export function waitForRetry({ ms, atLeast }: Wait, scheduler: SchedulerLike): Observable<unknown> {
  if (atLeast >= ms) return timer(ms, scheduler);
  return race(timer(ms, scheduler), forkJoin([timer(atLeast, scheduler), online().pipe(take(1))]));
}
