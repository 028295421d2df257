import {
  catchError,
  concat,
  defer,
  EMPTY,
  endWith,
  filter,
  from,
  ignoreElements,
  merge,
  mergeMap,
  share,
  startWith,
  take,
  tap,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import { RoomError } from "./errors.js";
import { fetchMembers } from "./fetch-members.js";
import type { LiveRooms } from "./live-rooms.js";
import type { MembersApi } from "./members-api.js";
import type { RoomsEvent } from "./room-states.js";
import type { Room } from "./room.js";
import type { RoomId } from "./wire.js";

export const MAX_TRIES = 5;
/** How long to pause refreshing rooms in the background after a failure, in ms. Callers do not wait for this. */
const REFRESH_WAIT = 60_000;
const ROOMS_AT_A_TIME = 3;

/**
 * Fetches members that sync has not named.
 *
 * | what is shared | reset by |
 * | --- | --- |
 * | the requests for a room, in `#loading` | the last subscriber unsubscribing, and the end of the requests |
 */
export class MemberLoader {
  readonly #rooms: LiveRooms;
  readonly #api: MembersApi;
  readonly #loading = new Map<RoomId, Observable<never>>();

  constructor(rooms: LiveRooms, api: MembersApi) {
    this.#rooms = rooms;
    this.#api = api;
  }

  /** Completes when all members of a room are known. Fails with {@link RoomError}. */
  complete(roomId: RoomId): Observable<never> {
    return defer(() => {
      if (this.#rooms.states.rooms.get(roomId)?.isComplete === true) return EMPTY;
      return this.#loading.get(roomId) ?? this.#load(roomId);
    });
  }

  /**
   * Fetches the members of rooms in use after responses or timeline events were missed, until all are known: the server
   * no longer announces changes of members that left in them.
   */
  refresh(): Observable<never> {
    return defer(() => {
      const rooms = Array.from(this.#rooms.states.rooms.values());
      const awaited = rooms.flatMap(({ roomId, isAwaited, isComplete }) => (isAwaited && !isComplete ? [roomId] : []));
      if (awaited.length === 0) return EMPTY;
      let hasFailed = false;
      const failed = () => {
        hasFailed = true; // callers that request the room get the error
        return EMPTY;
      };
      const fetched$ = from(awaited).pipe(
        mergeMap((roomId) => this.complete(roomId).pipe(catchError(failed)), ROOMS_AT_A_TIME),
      );
      const wait$ = defer(() => (hasFailed ? timer(REFRESH_WAIT, this.#rooms.tracker.scheduler) : EMPTY));
      return concat(fetched$, wait$, this.refresh()).pipe(ignoreElements());
    });
  }

  #load(roomId: RoomId): Observable<never> {
    const ended = () => {
      // A caller that retries in its error handler has replaced it.
      if (this.#loading.get(roomId) === loading$) this.#loading.delete(roomId);
    };
    const loading$: Observable<never> = this.#fetch(roomId, MAX_TRIES).pipe(
      tap({ error: ended, finalize: ended }),
      share(),
    );
    this.#loading.set(roomId, loading$);
    return loading$;
  }

  #fetch(roomId: RoomId, tries: number): Observable<never> {
    const { tracker, states } = this.#rooms;
    return defer(() => {
      const room = states.rooms.get(roomId);
      if (room === undefined)
        return concat(
          this.#commit({ type: "ask", roomId, token: tracker.token }, () => states.rooms.has(roomId)),
          this.#fetch(roomId, tries),
        );
      const { shownUntil: after } = room;
      const isOutdated = () => states.rooms.get(roomId) !== room || room.shownUntil !== after;
      const fetched$ = fetchMembers(room, this.#api, tracker).pipe(
        mergeMap((fetched) => {
          const { uncertainSince } = fetched;
          const isDone = () =>
            room.uncertainSince !== uncertainSince || room.isComplete || states.rooms.get(roomId) !== room;
          return this.#commit({ type: "members", ...fetched }, isDone);
        }),
        catchError((error: unknown) => {
          const failed$ = throwError(() => error);
          if (!isFinal(error, room)) return failed$;
          if (isOutdated()) return EMPTY; // the error may be older than newer responses
          const isDone = () => states.rooms.get(roomId) === undefined || isOutdated();
          return concat(
            this.#commit({ type: "forget", roomId, after }, isDone),
            defer(() => (states.rooms.has(roomId) ? EMPTY : failed$)),
          );
        }),
      );
      return concat(
        fetched$,
        defer(() => this.#again(roomId, tries)),
      );
    });
  }

  /** Fetches again if more was missed in the meantime. */
  #again(roomId: RoomId, tries: number): Observable<never> {
    if (this.#rooms.states.rooms.get(roomId)?.isComplete === true) return EMPTY;
    return tries > 1 ? this.#fetch(roomId, tries - 1) : throwError(() => new RoomError(roomId, "members-unknown"));
  }

  /** Commits an event. Completes once it is applied in memory, before it is durable. */
  #commit(event: RoomsEvent, isApplied: () => boolean): Observable<never> {
    const { tracker, changes$ } = this.#rooms;
    const applied$ = changes$.pipe(startWith(undefined), filter(isApplied), take(1));
    return merge(tracker.commit(event).pipe(endWith(undefined)), applied$).pipe(take(1), ignoreElements());
  }
}

/** True if the room must be forgotten: we are not in it, it is not encrypted, or nothing is known of it. */
const isFinal = (error: unknown, { encryption }: Room): boolean =>
  error instanceof RoomError &&
  (encryption === undefined || error.reason === "not-joined" || error.reason === "not-encrypted");
