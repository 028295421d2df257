import {
  catchError,
  concatMap,
  expand,
  filter,
  map,
  NEVER,
  of,
  startWith,
  switchMap,
  take,
  timeout,
  type BehaviorSubject,
  type Observable,
} from "rxjs";
import type { SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import type { Surroundings } from "./surroundings.js";

/** How long the saved token may take, in ms; the same as `syncResponses` allows. */
const SINCE_DEADLINE = 10_000;

/**
 * What a tab has to do with syncing. `sync`: a loop from the saved token. `finish`: the lock was taken from the tab, but its last request still comes
 * back. `rest`: nothing; its request is aborted.
 */
export type Turn = "sync" | "finish" | "rest";

/** A response, and the positions that it leads from and to; `undefined` for an initial sync. */
export interface Poll {
  readonly response: SyncResponse;
  readonly from: number | undefined;
  readonly to: number;
}

/**
 * The same as `syncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab(name))`, with the lock in the hands of the world. Only the first loop of a
 * tracker may leave out what its responses answer.
 */
export function syncLoop(turn$: BehaviorSubject<Turn>, store: DeviceStore, world: Surroundings): Observable<Poll> {
  let says = world.setup.saysSince;
  return turn$.pipe(
    filter((turn) => turn !== "finish"),
    switchMap((turn) => {
      if (turn === "rest") return NEVER;
      const loop$ = loop(turn$, store, world, says);
      says = true;
      return loop$;
    }),
  );
}

/** The first poll is not held; the next ones are until there is news. */
function loop(turn$: BehaviorSubject<Turn>, store: DeviceStore, world: Surroundings, says: boolean): Observable<Poll> {
  const { server } = world;
  return store.syncToken$.pipe(
    timeout({ first: SINCE_DEADLINE, scheduler: world.clock }),
    catchError(() => of(undefined)),
    map((token) => (token === undefined ? undefined : server.positionOf(token))),
    concatMap((from) => poll(from, says, world)),
    expand(({ to }) =>
      turn$.value === "sync"
        ? server.news$.pipe(
            startWith(undefined),
            filter(() => server.position > to),
            take(1),
            concatMap(() => poll(to, says, world)),
          )
        : NEVER,
    ),
  );
}

function poll(from: number | undefined, says: boolean, world: Surroundings): Observable<Poll> {
  const { server } = world;
  const answer = (): Poll => {
    const to = server.position;
    const response: SyncResponse = { next_batch: server.token(to) };
    if (says) response.since = from === undefined ? null : server.token(from);
    if (from !== undefined) response.device_lists = server.lists(from, to);
    return { response, from, to };
  };
  return world.later(answer).pipe(concatMap((answered) => world.later(() => answered)));
}
