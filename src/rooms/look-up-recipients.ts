import { catchError, concat, defer, ignoreElements, mergeMap, of, throwError, type Observable } from "rxjs";
import { StoreClearedError, StoreOwnerError, TrackerClosedError } from "../model/errors.js";
import type { DeviceKeysByUser } from "../model/results.js";
import { RoomError } from "./errors.js";
import type { LiveRooms } from "./live-rooms.js";
import type { MemberLoader } from "./member-loader.js";
import { readersOf, roomRecipients, type RoomRecipientPolicy, type RoomRecipients } from "./room-recipients.js";
import type { RoomId } from "./wire.js";

/**
 * Looks up all readers, and emits when no more have been added in the meantime.
 * @param tries how often this may start over
 */
export function lookUpRecipients(
  roomId: RoomId,
  policy: RoomRecipientPolicy,
  rooms: LiveRooms,
  loader: MemberLoader,
  tries: number,
): Observable<RoomRecipients> {
  const { tracker } = rooms;
  const { userId, scheduler } = tracker;
  const lists$ = defer(() => {
    const users = new Set([...readersOf(rooms.joined(roomId)), userId]);
    return tracker.getDeviceKeys(users).pipe(catchError((error: unknown) => failed(roomId, error)));
  });
  const again$ = defer(() =>
    tries > 1
      ? lookUpRecipients(roomId, policy, rooms, loader, tries - 1)
      : throwError(() => new RoomError(roomId, "members-unknown")),
  );
  const answer = (lists: DeviceKeysByUser): Observable<RoomRecipients> => {
    if (!tracker.isReady) return again$; // a response has arrived that is not applied yet
    const room = rooms.joined(roomId);
    const isWhole = room.isComplete && readersOf(room).every((reader) => lists.has(reader));
    return isWhole ? of(roomRecipients(room, lists, policy, userId, scheduler.now())) : again$;
  };
  return concat(tracker.ready$.pipe(ignoreElements()), loader.complete(roomId), lists$.pipe(mergeMap(answer)));
}

/** Wraps a failed request in a {@link RoomError}. Errors of the account itself pass through. */
function failed(roomId: RoomId, error: unknown): Observable<never> {
  const isOver = [StoreOwnerError, StoreClearedError, TrackerClosedError].some((over) => error instanceof over);
  return throwError(() => (isOver ? error : new RoomError(roomId, "devices-unknown", { cause: error })));
}
