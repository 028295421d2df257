import { filter, ignoreElements, type Observable, startWith, Subject, switchMap, tap } from "rxjs";
import type { Channel } from "./channel.js";
import { leadership } from "./leadership.js";

/**
 * Emits whether this candidate leads: `false` at first, then every change.
 *
 *     following ──the lock is granted──▶ leading
 *         ▲───────the lock is stolen────────┘
 *
 * While it leads, it answers questions. While it follows, it watches the leader, and deposes it when `stuck$` emits.
 *
 * Fails if the browser refuses the lock. Unsubscribing releases the lock or leaves the queue.
 */
export function candidate(
  locks: LockManager,
  name: string,
  channel: Channel,
  stuck$: Observable<void>,
): Observable<boolean> {
  const depose$ = new Subject<void>();
  const answer$ = channel.signals$.pipe(
    filter((signal) => signal === "ask"),
    tap(() => channel.send("here")),
    ignoreElements(),
  );
  const watch$ = stuck$.pipe(
    tap(() => depose$.next()),
    ignoreElements(),
  );
  return leadership(locks, name, depose$).pipe(switchMap((leads) => (leads ? answer$ : watch$).pipe(startWith(leads))));
}
