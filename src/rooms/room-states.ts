import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceChanges } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";
import { readJoinedRoom, type RoomDelta } from "./room-delta.js";
import { isRoomId } from "./room-id.js";
import { Room, type FetchedMembers, type MemberCounts, type RoomRecord } from "./room.js";
import type { Membership, RoomId } from "./wire.js";

export type RoomsEvent =
  /** A sync response was read. `isInitial`: we are in no room that it does not name. */
  | {
      readonly type: "sync";
      /** The sync token to which it leads. */
      readonly next: string;
      readonly isInitial: boolean;
      readonly rooms: readonly RoomDelta[];
      /** Rooms that changed, but are not known to be encrypted, so that the changes were not read. */
      readonly unread: readonly RoomId[];
      readonly gone: readonly RoomId[];
      /** Members of encrypted rooms that, according to `device_lists.left`, no longer share a room with us. */
      readonly strangers: readonly UserId[];
    }
  /** A response was late: it may be older or newer than what is known of these rooms. */
  | {
      readonly type: "late";
      readonly next: string;
      readonly rooms: readonly RoomDelta[];
      /** Another tab may know these rooms; what the response says of them was not read. */
      readonly unread: readonly RoomId[];
    }
  | ({ readonly type: "members" } & FetchedMembers)
  /** An unknown room is about to be fetched. */
  | { readonly type: "ask"; readonly roomId: RoomId; readonly token: string | undefined }
  /** We are not in this room, or it is not encrypted. Ignored if a response after `after` named the room. */
  | { readonly type: "forget"; readonly roomId: RoomId; readonly after: string | undefined }
  /** The server has accepted a membership that we set. */
  | {
      readonly type: "sent";
      readonly roomId: RoomId;
      readonly userId: UserId;
      readonly membership: Membership;
      /** `Room.shownUntil` at that time. */
      readonly after: string | undefined;
      readonly id: string;
    }
  /** What memory knew while it stood in for the store, as of a token. */
  | { readonly type: "known"; readonly token: string | undefined; readonly rooms: readonly RoomRecord[] };

/** The result of reading a response. `refused` are malformed events. */
interface ReadRooms {
  readonly event: RoomsEvent | undefined;
  readonly refused: ReadonlyMap<RoomId, readonly string[]>;
}

interface Sharer {
  readonly userId: UserId;
  /** How many of these rooms the user is in. */
  rooms: number;
}

/** Members in one record of a snapshot, unless a single room has more. */
const MEMBERS_PER_RECORD = 1_000;

/** The fold of all committed room events: the encrypted rooms that we are in, and the users that share one with us. */
export class RoomStates {
  readonly rooms = new Map<RoomId, Room>();
  readonly #ownUserId: UserId;
  readonly #isLazy: boolean;
  readonly #shared = new Map<UserId, Sharer>();
  /** Users affected by the current event, and whether they shared a room and were tracked before it. */
  #before = new Map<UserId, boolean>();
  #isTracked: (userId: UserId) => boolean = () => true;

  /** @param isLazy true if sync leaves members out */
  constructor(ownUserId: UserId, isLazy: boolean) {
    this.#ownUserId = ownUserId;
    this.#isLazy = isLazy;
  }

  /** Members of the encrypted rooms with a complete list. */
  *sharers(): Iterable<UserId> {
    for (const room of this.rooms.values()) if (room.isComplete) yield* room.joined;
  }

  /** Reads what a response says about rooms that are, or may be, encrypted. */
  read({ since, next_batch: next, rooms, device_lists: lists }: SyncResponse): ReadRooms {
    const { join, leave, invite, knock } = sectionsOf(rooms);
    const isInitial = since === null;
    const refused = new Map<RoomId, readonly string[]>();
    const unread: RoomId[] = [];
    const deltas = Object.entries(join).flatMap(([roomId, room]) => {
      if (!isRoomId(roomId)) {
        refused.set(roomId, ["all of them, since this is not a room ID"]);
        return [];
      }
      const read = readJoinedRoom(roomId, room);
      const isEncrypted = this.rooms.has(roomId) || read.delta?.encryption !== undefined;
      if (isEncrypted ? read.refused.length > 0 : read.refused.includes("m.room.encryption"))
        refused.set(roomId, read.refused);
      if (read.delta === undefined) return [];
      if (isEncrypted) return [this.#asFirst(read.delta)];
      if (!isInitial) unread.push(roomId);
      return [];
    });
    // Another tab may know rooms that this one does not know yet.
    const gone = [leave, invite, knock].flatMap((section) => Object.keys(section));
    const left: unknown = lists?.left;
    const isStranger = (user: unknown) => user !== this.#ownUserId && this.#shared.has(user as UserId);
    const strangers = Array.isArray(left) ? (left as unknown[]).filter(isStranger) : [];
    const isNothing =
      deltas.length + unread.length + gone.length + strangers.length === 0 && !(isInitial && this.rooms.size > 0);
    const event: RoomsEvent = {
      type: "sync",
      next,
      isInitial,
      rooms: deltas,
      unread,
      gone,
      strangers: strangers as UserId[],
    };
    return { event: isNothing ? undefined : event, refused };
  }

  /** Returns what remains of events if their response is late. */
  late(events: readonly RoomsEvent[]): readonly RoomsEvent[] {
    return events.flatMap((event): readonly RoomsEvent[] => {
      if (event.type !== "sync") return [event];
      const { next, unread, gone } = event;
      const removals = gone.map((roomId): RoomDelta => {
        const left = [[this.#ownUserId, `late response ${next}`]] as const;
        return { roomId, joined: "", invited: "", left, kind: "unclear" };
      });
      return [{ type: "late", next, rooms: [...event.rooms, ...removals], unread }];
    });
  }

  /**
   * @param token the sync token in memory after the event's step
   * @param isTracked returns true if the server is known to announce changes of a user
   * @returns `changed`: users that come to share an encrypted room with us; `left`: users that no longer share any
   */
  apply(event: RoomsEvent, token: string | undefined, isTracked: (userId: UserId) => boolean): DeviceChanges {
    this.#before = new Map();
    // An initial sync after a gap untracks all users in the same step.
    this.#isTracked = event.type === "sync" && event.isInitial ? () => false : isTracked;
    switch (event.type) {
      case "sync":
        this.#sync(event);
        break;
      case "late":
        for (const delta of event.rooms) this.rooms.get(delta.roomId)?.overtake(delta, event.next);
        for (const roomId of event.unread) this.rooms.get(roomId)?.miss(`late ${event.next}`);
        break;
      case "members": {
        const room = this.rooms.get(event.roomId);
        if (room?.take(event) === true) this.#trackAgain(room);
        break;
      }
      case "ask": {
        const room = this.#roomOf(event.roomId);
        room.needsState ||= room.encryption === undefined;
        room.uncertainSince ??= token; // not the event's token: answers to requests made at that one may be outdated
        room.missedUntil ??= event.token; // we may have been here before
        break;
      }
      case "forget":
        if (this.rooms.get(event.roomId)?.shownUntil === event.after) this.#forget(event.roomId);
        break;
      case "sent": {
        const { membership, after } = event;
        this.rooms.get(event.roomId)?.send(event.userId, membership, event.id, after);
        break;
      }
      case "known":
        for (const record of event.rooms) {
          const room = this.#replace(record);
          if (event.token !== token) room.miss(token); // another tab has moved the token
        }
    }
    return this.#effects();
  }

  missed(token: string | undefined): void {
    for (const room of this.rooms.values()) room.miss(token);
  }

  restore(records: readonly unknown[]): void {
    this.rooms.clear();
    this.#shared.clear();
    this.#before = new Map();
    for (const record of records) {
      for (const room of record as readonly RoomRecord[]) this.#replace(room);
    }
  }

  records(): readonly (readonly RoomRecord[])[] {
    const records: RoomRecord[][] = [];
    let members = Number.POSITIVE_INFINITY;
    for (const room of this.rooms.values()) {
      members += room.joined.size + room.departures.size + 1;
      if (members > MEMBERS_PER_RECORD) {
        records.push([]);
        members = 0;
      }
      records.at(-1)?.push(room.toRecord());
    }
    return records;
  }

  #sync({ next, isInitial, rooms, unread, gone, strangers }: Extract<RoomsEvent, { type: "sync" }>): void {
    const named = new Set(rooms.map(({ roomId }) => roomId));
    const lost = isInitial ? [...this.rooms.keys()].filter((roomId) => !named.has(roomId)) : gone;
    for (const roomId of lost) this.#forget(roomId);
    for (const delta of rooms) {
      const room = this.#roomOf(delta.roomId, next);
      room.follow(this.#asFirst(delta), next, this.#isLazy); // another tab may have forgotten the room
      if (delta.kind === "whole") this.#trackAgain(room);
    }
    for (const roomId of unread) this.rooms.get(roomId)?.miss(next);
    for (const userId of strangers) {
      if (!this.#shared.has(userId)) continue; // the rooms agree
      for (const room of this.rooms.values()) if (room.joined.has(userId)) room.doubt(next);
    }
  }

  #asFirst(delta: RoomDelta): RoomDelta {
    const isKnown = this.rooms.get(delta.roomId)?.encryption !== undefined;
    return isKnown || delta.kind === "whole" ? delta : { ...delta, kind: "first" };
  }

  /** After a gap that could not be closed, which has untracked the members, tracks them again once all are known. */
  #trackAgain(room: Room): void {
    if (!room.isComplete) return;
    for (const userId of room.joined) if (!this.#isTracked(userId)) this.#before.set(userId, false);
  }

  #roomOf(roomId: RoomId, token?: string): Room {
    let room = this.rooms.get(roomId);
    if (room === undefined) {
      this.rooms.set(roomId, (room = new Room(roomId, this.#counts)));
      room.uncertainSince = token;
    }
    return room;
  }

  #forget(roomId: RoomId): void {
    this.rooms.get(roomId)?.leave();
    this.rooms.delete(roomId);
  }

  #replace(record: RoomRecord): Room {
    const known = this.rooms.get(record.roomId);
    this.#forget(record.roomId);
    const room = Room.fromRecord(record, this.#counts);
    if (known !== undefined) room.remember(known);
    this.rooms.set(room.roomId, room);
    return room;
  }

  readonly #counts: MemberCounts = {
    added: (userId) => {
      let sharer = this.#shared.get(userId);
      if (!this.#isTracked(userId))
        this.#before.set(userId, false); // even if the event has removed them elsewhere
      else if (sharer === undefined) this.#touched(userId, false);
      if (sharer === undefined) this.#shared.set(userId, (sharer = { userId, rooms: 0 }));
      sharer.rooms++;
      return sharer.userId;
    },
    removed: (userId) => {
      const sharer = this.#shared.get(userId);
      if (sharer === undefined || --sharer.rooms > 0) return;
      this.#shared.delete(userId);
      this.#touched(userId, true);
    },
  };

  #touched(userId: UserId, wasShared: boolean): void {
    if (!this.#before.has(userId)) this.#before.set(userId, wasShared);
  }

  #effects(): DeviceChanges {
    const before = this.#before;
    this.#before = new Map();
    const changed: UserId[] = [];
    const left: UserId[] = [];
    for (const [userId, wasShared] of before) {
      if (userId === this.#ownUserId || wasShared === this.#shared.has(userId)) continue;
      (wasShared ? left : changed).push(userId);
    }
    return { changed, left };
  }
}

type Section = "join" | "leave" | "invite" | "knock";

function sectionsOf(rooms: unknown): Record<Section, Readonly<Record<string, unknown>>> {
  const section = (name: string) => {
    const value = isObject(rooms) ? rooms[name] : undefined;
    return isObject(value) ? value : {};
  };
  return { join: section("join"), leave: section("leave"), invite: section("invite"), knock: section("knock") };
}
