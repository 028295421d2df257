import type { Observable } from "rxjs";
import type { RoomId } from "./wire.js";

/**
 * The port to the homeserver's rooms. `axiosMembersApi` in "matrix-device-tracker/http" implements it.
 *
 * Every method returns a cold Observable that sends one request per subscription, emits one value and completes;
 * unsubscribing aborts the request.
 */
export interface MembersApi {
  /**
   * Fetches the members of a room, without departed ones.
   * @param request.at the sync token as of which to list them; without it, the current members
   * @returns the response of `GET /_matrix/client/v3/rooms/{roomId}/members?not_membership=leave&at=…`: `{ chunk }`
   */
  members(request: { readonly roomId: RoomId; readonly at?: string }): Observable<unknown>;
  /**
   * Fetches the content of a state event with an empty state key; `undefined` if the room has none (404).
   * @returns the response of `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}`
   */
  state(request: {
    readonly roomId: RoomId;
    readonly eventType: "m.room.encryption" | "m.room.history_visibility";
  }): Observable<unknown>;
}
