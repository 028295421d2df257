import type { Room } from "./room.js";
import type { HistoryVisibility, RoomEncryption, RoomId } from "./wire.js";

/** An encrypted room that we are in. */
export interface EncryptedRoom {
  readonly roomId: RoomId;
  readonly encryption: RoomEncryption;
  readonly historyVisibility: HistoryVisibility;
  /** The number of known members. These are all members if `isComplete`. */
  readonly joinedCount: number;
  readonly invitedCount: number;
  readonly isComplete: boolean;
}

/** Returns views of the rooms. An unchanged room keeps its view; if no room has changed, so does the map. */
export function viewsOf(
  rooms: Iterable<Room>,
  before: ReadonlyMap<RoomId, EncryptedRoom>,
): ReadonlyMap<RoomId, EncryptedRoom> {
  const views = new Map<RoomId, EncryptedRoom>();
  let isSame = true;
  for (const { roomId, encryption, visibility: historyVisibility, joined, invited, isComplete } of rooms) {
    if (encryption === undefined) continue;
    const known = before.get(roomId);
    const view = {
      roomId,
      encryption,
      historyVisibility,
      joinedCount: joined.size,
      invitedCount: invited.size,
      isComplete,
    };
    const isKnown =
      known !== undefined &&
      Object.entries(view).every(([name, value]) => known[name as keyof EncryptedRoom] === value);
    views.set(roomId, isKnown ? known : view);
    isSame &&= isKnown;
  }
  return isSame && views.size === before.size ? before : views;
}
