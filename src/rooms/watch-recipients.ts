import {
  combineLatest,
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  ignoreElements,
  map,
  merge,
  of,
  retry,
  startWith,
  switchMap,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import type { UserId } from "../model/ids.js";
import { retryWait } from "../model/retry-wait.js";
import type { RecipientPolicy } from "../trust/recipient-policy.js";
import { RoomError } from "./errors.js";
import type { LiveRooms } from "./live-rooms.js";
import type { MemberLoader } from "./member-loader.js";
import { readersOf, roomRecipients, type RoomRecipients } from "./room-recipients.js";
import type { RoomId } from "./wire.js";

export function watchRecipients(
  roomId: RoomId,
  policy: RecipientPolicy,
  rooms: LiveRooms,
  loader: MemberLoader,
): Observable<RoomRecipients> {
  const { tracker, states, changes$ } = rooms;
  const { scheduler, userId } = tracker;
  const wait = (tries: number) => timer(retryWait(tries - 1), scheduler);
  const complete$ = loader.complete(roomId).pipe(
    retry({
      delay: (error: unknown, tries) =>
        error instanceof RoomError && error.reason === "members-unknown" ? wait(tries) : throwError(() => error),
    }),
  );
  const watched$ = defer(() => {
    const room$ = changes$.pipe(
      startWith(undefined),
      map(() => rooms.joined(roomId)),
      map((room) => ({ room, revision: room.revision })),
      distinctUntilChanged((was, is) => was.room === is.room && was.revision === is.revision),
      map(({ room }) => room),
    );
    const lists$ = room$.pipe(
      map((room) => readersOf(room)),
      distinctUntilChanged(areSame),
      switchMap((users) => tracker.watchDeviceKeys(users).pipe(map((lists) => ({ lists, users })))),
    );
    const recipients$ = combineLatest([room$, lists$]).pipe(
      switchMap(([room, { lists, users }]) => {
        const answer$ = defer(() => {
          // Otherwise stale: the lists of the current readers, or the room that replaced this one, are emitted soon.
          if (states.rooms.get(roomId) !== room || !areSame(readersOf(room), users)) return EMPTY;
          return of(roomRecipients(room, lists, policy, userId, scheduler.now()));
        });
        // More responses may have arrived by the time a gap is closed.
        const current$: Observable<RoomRecipients> = defer(() => {
          if (tracker.isReady) return answer$;
          const incomplete$ = answer$.pipe(map((now) => ({ ...now, isComplete: false })));
          return concat(incomplete$, tracker.ready$.pipe(switchMap(() => current$)));
        });
        return current$;
      }),
    );
    const fetched$ = changes$.pipe(
      exhaustMap(() => (states.rooms.get(roomId)?.isComplete === false ? complete$ : EMPTY)),
    );
    return merge(recipients$, fetched$);
  });
  return tracker.alive(concat(tracker.ready$.pipe(ignoreElements()), complete$, watched$));
}

const areSame = (some: readonly UserId[], others: readonly UserId[]): boolean =>
  some.length === others.length && some.every((userId, i) => userId === others[i]);
