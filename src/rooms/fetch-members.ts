import {
  catchError,
  concatMap,
  defaultIfEmpty,
  defer,
  forkJoin,
  map,
  of,
  take,
  throwError,
  timeout,
  type Observable,
} from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { ExtendedTracker } from "../sync/sync-extension.js";
import { RoomError, type RoomErrorReason } from "./errors.js";
import type { MembersApi } from "./members-api.js";
import { toNames } from "./room-delta.js";
import type { FetchedMembers, Room } from "./room.js";
import { isMember, readEncryption, readMember, readStateEvent, readVisibility, type RoomEncryption } from "./wire.js";

/** How long to wait for an answer, in ms: longer than `axiosMembersApi` takes with all of its retries. */
const DEADLINE = 150_000;

/**
 * Fetches the members of a room, and its encryption and history visibility if they are not known.
 *
 * Fails with {@link RoomError}, also if there is no answer within the deadline.
 */
export function fetchMembers(
  room: Room,
  api: MembersApi,
  { token, userId: ownUserId, scheduler }: Pick<ExtendedTracker, "token" | "userId" | "scheduler">,
): Observable<FetchedMembers> {
  const { roomId, uncertainSince, needsState, isUnsure, encryption } = room;
  const isNew = encryption === undefined;
  // If we know more than sync has shown, the members as of its token would be too old.
  const at = isNew || isUnsure ? undefined : token;
  const state = (eventType: "m.room.encryption" | "m.room.history_visibility") =>
    needsState || isNew ? one(() => api.state({ roomId, eventType })) : of(undefined);
  const members$ = one(() => api.members({ roomId, ...(at !== undefined && { at }) }));
  const state$ = forkJoin({
    encryption: state("m.room.encryption").pipe(map((content) => encryptionIn(content, isNew))),
    visibility: state("m.room.history_visibility"),
  });
  // Check first that the room is encrypted: if we are a member after that, we are a member of an encrypted room.
  const both$ = isNew
    ? state$.pipe(
        concatMap((known) => {
          if (known.encryption === undefined) throw new RoomError(roomId, "not-encrypted");
          return members$.pipe(map((members) => ({ ...known, members })));
        }),
      )
    : forkJoin({ state: state$, members: members$ }).pipe(map(({ state: known, members }) => ({ ...known, members })));
  return both$.pipe(
    map(({ members, encryption: read, visibility }): FetchedMembers => {
      const { joined, invited } = membersIn(members);
      // Servers also respond for a room that we have left, with its state at that time, and for a public room.
      if (!joined.has(ownUserId)) throw new RoomError(roomId, reasonOfAbsence(room));
      return {
        roomId,
        uncertainSince,
        joined: toNames(joined),
        invited: toNames(invited),
        ...(read !== undefined && { encryption: read }),
        ...((needsState || isNew) && { visibility: readVisibility(visibility) }),
      };
    }),
    timeout({
      first: DEADLINE,
      scheduler,
      with: () => throwError(() => new Error(`the members were not answered within ${DEADLINE} ms`)),
    }),
    catchError((error: unknown) => throwError(() => toRoomError(room, error))),
  );
}

/** A malformed event does not show that a room is unencrypted. A known encryption stays. */
function encryptionIn(content: unknown, isNew: boolean): RoomEncryption | undefined {
  const encryption = readEncryption(content);
  if (isNew && encryption === undefined && content !== undefined)
    throw new InvalidResponseError("/state/m.room.encryption", "algorithm", "a string");
  return encryption;
}

const one = <T>(request: () => Observable<T>): Observable<T | undefined> =>
  defer(request).pipe(take(1), defaultIfEmpty(undefined));

function membersIn(response: unknown): Readonly<Record<"joined" | "invited", ReadonlySet<UserId>>> {
  if (!isObject(response) || !Array.isArray(response.chunk))
    throw new InvalidResponseError("/members", "chunk", "an array of member events");
  const joined = new Set<UserId>();
  const invited = new Set<UserId>();
  for (const value of response.chunk as unknown[]) {
    const event = readStateEvent(value);
    const isNoise = event?.type === "m.room.member" && !isMember(event);
    if (isNoise) continue;
    const [userId, membership] = (event?.type === "m.room.member" ? readMember(event) : undefined) ?? [];
    if (userId === undefined) throw new InvalidResponseError("/members", "chunk", "member events only");
    if (membership === "joined") joined.add(userId);
    else if (membership === "invited") invited.add(userId);
  }
  return { joined, invited };
}

function toRoomError(room: Room, error: unknown): RoomError {
  if (error instanceof RoomError) return error;
  const reason = isRefusal(error) ? reasonOfAbsence(room) : "members-unknown";
  return new RoomError(room.roomId, reason, { cause: error });
}

/** True if the homeserver refused. An error without `errcode` comes from elsewhere, such as a proxy in front of it. */
const isRefusal = (error: unknown): boolean =>
  isObject(error) &&
  (error.status === 403 || error.status === 404) &&
  !("errcode" in error && error.errcode === undefined);

/** If responses were missed, we were removed in them; otherwise sync is about to show it. */
const reasonOfAbsence = ({ encryption, needsState }: Room): RoomErrorReason =>
  encryption === undefined || needsState ? "not-joined" : "members-unknown";
