import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import {
  isMember,
  readEncryption,
  readMember,
  readStateEvent,
  readVisibility,
  type HistoryVisibility,
  type Membership,
  type RoomEncryption,
  type RoomId,
  type StateEvent,
} from "./wire.js";

/** What one sync response says about a room that we are in. Plain data: it is committed with the sync token. */
export interface RoomDelta {
  readonly roomId: RoomId;
  readonly encryption?: RoomEncryption;
  readonly visibility?: HistoryVisibility;
  /** Users that the response shows as members. */
  readonly joined: UserNames;
  /** Users that the response shows as invited. */
  readonly invited: UserNames;
  /**
   * Users that left, each with the event of the departure. If they are also in `joined` or `invited`, they have come
   * back.
   */
  readonly left: readonly (readonly [UserId, eventId: string])[];
  /**
   * - `whole`: it has the room's whole state, except what lazy loading leaves out: we have just joined
   * - `limited`: events are missing in its timeline
   * - `unclear`: part of it is malformed
   * - `first`: encryption was switched on, and earlier responses about the room were not read
   */
  readonly kind?: "whole" | "limited" | "unclear" | "first";
}

/** User IDs, one per line: a string of 10,000 is cloned many times faster than an array. */
export type UserNames = string;

export const toNames = (users: Iterable<UserId>): UserNames => [...users].join("\n");
export const namesIn = (names: UserNames): readonly UserId[] => (names === "" ? [] : names.split("\n"));

interface ReadRoom {
  /** `undefined` if the response changes nothing. */
  readonly delta: RoomDelta | undefined;
  /** Malformed events, by type and state key. */
  readonly refused: readonly string[];
}

/**
 * Reads `rooms.join.<room ID>` of a sync response: the state before the timeline, then the timeline. With MSC4222, the
 * state is the one after the timeline; the timeline is then only read for users that have left and come back.
 */
export function readJoinedRoom(roomId: RoomId, room: unknown): ReadRoom {
  const { events, passing, refused: unreadable } = stateEvents(room);
  const members = new Map<UserId, Membership>();
  const left = new Map<UserId, string>();
  const refused = [...unreadable];
  const isLimited = isObject(room) && isObject(room.timeline) && room.timeline.limited === true;
  let encryption: RoomEncryption | undefined;
  let visibility: HistoryVisibility | undefined;
  let isWhole = false;
  let isUnclear = unreadable.length > 0;
  for (const event of events) {
    const { type, stateKey, content, id } = event;
    if (type === "m.room.member") {
      const [userId, membership] = readMember(event) ?? [];
      if (userId === undefined || membership === undefined) {
        refused.push(`${type} of ${stateKey}`);
        isUnclear ||= isMember(event);
        continue;
      }
      members.set(userId, membership);
      // A limited timeline may leave out the departure before an invitation.
      if (membership === "gone" || (isLimited && membership === "invited")) left.set(userId, id);
    } else if (stateKey !== "") continue;
    else if (type === "m.room.create") isWhole = true;
    else if (type === "m.room.history_visibility") visibility = readVisibility(content);
    else if (type === "m.room.encryption") {
      const read = readEncryption(content);
      if (read === undefined) refused.push(type);
      else encryption = read;
    }
  }
  for (const event of passing) {
    const [userId, membership] = event.type === "m.room.member" ? (readMember(event) ?? []) : [];
    if (userId === undefined || membership !== "gone") continue;
    if (members.has(userId) && members.get(userId) !== "gone") left.set(userId, event.id);
  }
  const named = (wanted: Membership) =>
    toNames(Array.from(members).flatMap(([userId, membership]) => (membership === wanted ? [userId] : [])));
  const kind = isWhole ? "whole" : isUnclear ? "unclear" : isLimited ? "limited" : undefined;
  if (members.size === 0 && encryption === undefined && visibility === undefined && kind === undefined)
    return { delta: undefined, refused };
  const delta: RoomDelta = {
    roomId,
    ...(encryption !== undefined && { encryption }),
    ...(visibility !== undefined && { visibility }),
    joined: named("joined"),
    invited: named("invited"),
    // Users that left before we came are not news, but an invitation may be shown again in a limited timeline.
    left: Array.from(left).filter(([userId]) => !isWhole || members.get(userId) === "invited"),
    ...(kind !== undefined && { kind }),
  };
  return { delta, refused };
}

interface StateEvents {
  /** Events that set the state: the last one of each type and state key counts. */
  readonly events: readonly StateEvent[];
  /** State events of the timeline, if the state is the one after it. */
  readonly passing: readonly StateEvent[];
  readonly refused: readonly string[];
}

function stateEvents(room: unknown): StateEvents {
  if (!isObject(room)) return { events: [], passing: [], refused: ["the room"] };
  const { state, timeline } = room;
  const after = room.state_after ?? room["org.matrix.msc4222.state_after"];
  const refused: string[] = [];
  const inSection = (section: unknown) => {
    if (section === undefined || section === null) return [];
    const list = isObject(section) ? (section.events ?? []) : undefined;
    if (!Array.isArray(list)) {
      refused.push("a list of events");
      return [];
    }
    return list.flatMap((event: unknown) => readStateEvent(event) ?? []);
  };
  if (after !== undefined) return { events: inSection(after), passing: inSection(timeline), refused };
  return { events: [state, timeline].flatMap(inSection), passing: [], refused };
}
