import { ALICE } from "./kitchen.mjs";

/**
 * What `rooms` of a sync response says of a room; `undefined` if there is nothing new. Matrix spec, client-server API,
 * "GET /sync".
 *
 * @param {import("./room.mjs").Room} room
 * @param {number | null} from the position of `since`; `null` in an initial sync
 * @param {number} to the newest position
 * @param {boolean} isLazy whether the members are left out of the state ("Lazy-loading room members")
 */
export function syncRooms(room, from, to, isLazy) {
  const was = from === null ? "leave" : room.membership(ALICE, from);
  const events = room.since(from ?? to);
  if (room.membership(ALICE, to) !== "join")
    return was === "join" ? { leave: { [room.roomId]: timeline(events) } } : undefined;
  if (was === "join") return events.length === 0 ? undefined : { join: { [room.roomId]: timeline(events) } };
  const state = room
    .stateAt(to)
    .filter(({ type, state_key }) => !isLazy || type !== "m.room.member" || state_key === ALICE);
  return { join: { [room.roomId]: { state: { events: state }, timeline: { events: [], limited: true } } } };
}

const timeline = (/** @type {object[]} */ events) => ({ timeline: { events, limited: false } });
