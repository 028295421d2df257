import type { AxiosInstance } from "axios";
import {
  catchError,
  defer,
  filter,
  first,
  from,
  ignoreElements,
  map,
  merge,
  of,
  retry,
  Subject,
  switchMap,
  tap,
  throwError,
  type Observable,
} from "rxjs";
import type { RecipientPolicy, UserId } from "matrix-device-tracker";
import {
  RoomError,
  type EncryptedRooms,
  type HistoryVisibility,
  type OwnAction,
  type RoomId,
  type RoomRecipients,
} from "matrix-device-tracker/rooms";
import type { Place } from "./place.js";

/** A room, and what we do there. */
export interface OurRoom {
  /** Which devices would get a message, live; `undefined` while we are not in the room. */
  readonly watch: (policy: RecipientPolicy) => Observable<RoomRecipients | undefined>;
  /** Which devices get a message that is sent now. */
  readonly recipients: (policy: RecipientPolicy) => Observable<RoomRecipients>;
  readonly invite: (userId: UserId) => Observable<unknown>;
  /** Removes a user, or withdraws an invitation. */
  readonly remove: (userId: UserId) => Observable<unknown>;
  readonly setVisibility: (visibility: HistoryVisibility) => Observable<unknown>;
  readonly leave: () => Observable<unknown>;
  readonly join: () => Observable<unknown>;
}

export function openRoom(rooms: EncryptedRooms, http: AxiosInstance, place: Place, roomId: RoomId): OurRoom {
  const { userId, deviceId } = place;
  const ownDevice = { userId, deviceId };
  const path = `/rooms/${encodeURIComponent(roomId)}`;
  const post = (action: string, body = {}) => defer(() => from(http.post(`${path}/${action}`, body)));
  // What the server has accepted from us counts at once, before sync shows it.
  const setMember = (endpoint: string, user: UserId, action: OwnAction) =>
    post(endpoint, { user_id: user }).pipe(switchMap(() => rooms.memberChanged(roomId, user, action)));
  return {
    watch: (policy) => watchWhileIn(rooms, roomId, { ...policy, ownDevice }),
    recipients: (policy) => rooms.recipients(roomId, { ...policy, ownDevice }),
    invite: (user) => setMember("invite", user, "invite"),
    remove: (user) => setMember("kick", user, "leave"),
    setVisibility: (visibility) =>
      defer(() => from(http.put(`${path}/state/m.room.history_visibility/`, { history_visibility: visibility }))),
    leave: () => post("leave"),
    join: () => post("join"),
  };
}

/** Emits once all members of the room are known, and so tracked; or once we are known not to be in it. */
export function membersKnown(rooms: EncryptedRooms, roomId: RoomId): Observable<void> {
  return merge(rooms.recipients(roomId).pipe(ignoreElements()), rooms.rooms$).pipe(
    filter((all) => all.get(roomId)?.isComplete === true),
    map(() => undefined),
    first(),
    catchError((error: unknown) => (isNotIn(error) ? of(undefined) : throwError(() => error))),
  );
}

function watchWhileIn(
  rooms: EncryptedRooms,
  roomId: RoomId,
  policy: RecipientPolicy,
): Observable<RoomRecipients | undefined> {
  return defer(() => {
    const left$ = new Subject<undefined>();
    const joined$ = rooms.rooms$.pipe(first((all) => all.has(roomId)));
    const watched$ = rooms
      .watchRecipients(roomId, policy)
      .pipe(
        tap({ error: (error: unknown) => isNotIn(error) && left$.next(undefined) }),
        retry({ delay: (error: unknown) => (isNotIn(error) ? joined$ : throwError(() => error)) }),
      );
    return merge(left$, watched$);
  });
}

const isNotIn = (error: unknown): boolean => error instanceof RoomError && error.reason === "not-joined";
