import type { Observable } from "rxjs";
import type { ExtendedTracker } from "../sync/sync-extension.js";
import { RoomError } from "./errors.js";
import type { RoomStates, RoomsEvent } from "./room-states.js";
import type { Room } from "./room.js";
import type { RoomId } from "./wire.js";

export class LiveRooms {
  readonly tracker: ExtendedTracker<RoomsEvent>;
  readonly states: RoomStates;
  /** Hot: emits after any room has changed. */
  readonly changes$: Observable<void>;

  constructor(tracker: ExtendedTracker<RoomsEvent>, states: RoomStates, changes$: Observable<void>) {
    this.tracker = tracker;
    this.states = states;
    this.changes$ = changes$;
  }

  /** @throws RoomError if we are not in the room, or do not know that it is encrypted */
  joined(roomId: RoomId): Room {
    const room = this.states.rooms.get(roomId);
    if (room?.encryption === undefined) throw new RoomError(roomId, "not-joined");
    return room;
  }
}
