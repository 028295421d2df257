import { forkJoin, fromEvent, NEVER, type Observable, race, type SchedulerLike, take, timer } from "rxjs";

/** How long to wait before something is tried again. */
export interface Wait {
  /** In ms. */
  readonly ms: number;
  /** Before this not even coming online ends the wait, in ms: it is what the server asked for. */
  readonly atLeast: number;
}

/**
 * Emits once when the wait is over: after `ms`, or as soon as the browser says `online` and `atLeast` has passed.
 *
 * ```
 * atLeast, ms        ---|-----|
 * online             ----o
 *                    ----(x|)
 * online             -o
 *                    ---(x|)      not before atLeast, but then at once
 * ```
 *
 * Where nothing says `online` (Node) only time counts. The listener goes with the subscription.
 */
export function waitForRetry({ ms, atLeast }: Wait, scheduler: SchedulerLike): Observable<unknown> {
  if (atLeast >= ms) return timer(ms, scheduler);
  return race(timer(ms, scheduler), forkJoin([timer(atLeast, scheduler), online().pipe(take(1))]));
}

function online(): Observable<unknown> {
  return typeof globalThis.addEventListener === "function" ? fromEvent(globalThis, "online") : NEVER;
}
