import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceChanges } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";
import { readJoinedRoom, type RoomDelta } from "./room-delta.js";
import { Room, type FetchedMembers, type MemberCounts, type RoomRecord } from "./room.js";
import type { Membership, RoomId } from "./wire.js";

/** What is committed of rooms. */
export type RoomsEvent =
  /** A sync response said this. `isInitial`: of rooms that it does not name we are no member. */
  | {
      readonly type: "sync";
      /** The sync token that it leads to. */
      readonly next: string;
      readonly isInitial: boolean;
      readonly rooms: readonly RoomDelta[];
      readonly gone: readonly RoomId[];
      /** Users who share no room with us any more, according to the server, and were members of encrypted rooms. */
      readonly strangers: readonly UserId[];
    }
  /** The server answered this. */
  | ({ readonly type: "members" } & FetchedMembers)
  /** The server is asked about a room that is not known. */
  | { readonly type: "ask"; readonly roomId: RoomId; readonly token: string | undefined }
  /** We are not in this room, or it is not encrypted, unless sync has said more of it than `after`. */
  | { readonly type: "forget"; readonly roomId: RoomId; readonly after: string | undefined }
  /** The server has accepted a membership from us. */
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

/** What was read of a response, and what could not be understood. */
export interface ReadRooms {
  readonly event: RoomsEvent | undefined;
  readonly refused: ReadonlyMap<RoomId, readonly string[]>;
}

/** A member of encrypted rooms. */
interface Sharer {
  readonly userId: UserId;
  /** In how many of them. */
  rooms: number;
}

/** Members in one record of a snapshot, unless a single room has more. */
const MEMBERS_PER_RECORD = 1_000;

/** The fold of all that is committed of rooms: the encrypted ones that we are in, and with whom we share any. */
export class RoomStates {
  readonly rooms = new Map<RoomId, Room>();
  readonly #ownUserId: UserId;
  readonly #isLazy: boolean;
  /** The members of encrypted rooms. */
  readonly #shared = new Map<UserId, Sharer>();
  /** Users whose count the event at hand has touched, and whether they shared a room before it. */
  #before = new Map<UserId, boolean>();

  /** @param isLazy whether sync leaves members out */
  constructor(ownUserId: UserId, isLazy: boolean) {
    this.#ownUserId = ownUserId;
    this.#isLazy = isLazy;
  }

  /** Users who are certainly members of an encrypted room. */
  *sharers(): Iterable<UserId> {
    for (const room of this.rooms.values()) if (room.isComplete) yield* room.joined;
  }

  /** What a response says of rooms that are encrypted, or may be. */
  read({ since, next_batch: next, rooms, device_lists: lists }: SyncResponse): ReadRooms {
    const { join, leave, invite } = sectionsOf(rooms);
    const refused = new Map<RoomId, readonly string[]>();
    const deltas = Object.entries(join).flatMap(([roomId, room]) => {
      const read = readJoinedRoom(roomId, room);
      const isEncrypted = this.rooms.has(roomId) || read.delta?.encryption !== undefined;
      if (isEncrypted ? read.refused.length > 0 : read.refused.includes("m.room.encryption"))
        refused.set(roomId, read.refused);
      return isEncrypted && read.delta !== undefined ? [this.#asFirst(read.delta)] : [];
    });
    const gone = [...Object.keys(leave), ...Object.keys(invite)].filter((roomId) => this.rooms.has(roomId));
    const left: unknown = lists?.left;
    const strangers = Array.isArray(left) ? (left as unknown[]).filter((user) => this.#shared.has(user as UserId)) : [];
    const isInitial = since === null;
    const isNothing = deltas.length + gone.length + strangers.length === 0 && !(isInitial && this.rooms.size > 0);
    const event: RoomsEvent = {
      type: "sync",
      next,
      isInitial,
      rooms: deltas,
      gone,
      strangers: strangers as UserId[],
    };
    return { event: isNothing ? undefined : event, refused };
  }

  /**
   * @param token the sync token that memory stands on then
   * @param isTracked users of whom the server is known to announce changes
   * @returns who has come to share an encrypted room with us, and who shares none any more
   */
  apply(event: RoomsEvent, token: string | undefined, isTracked: (userId: UserId) => boolean): DeviceChanges {
    this.#before = new Map();
    switch (event.type) {
      case "sync":
        this.#sync(event, isTracked);
        break;
      case "members": {
        const room = this.rooms.get(event.roomId);
        if (room?.take(event) === true) this.#trackAgain(room, isTracked);
        break;
      }
      case "ask": {
        const room = this.#roomOf(event.roomId);
        room.needsState ||= room.encryption === undefined;
        room.uncertainSince ??= token; // not that of the event: what was answered then may be older by now
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
          if (event.token !== token) room.miss(token); // another tab has moved on to another one
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

  #sync(
    { next, isInitial, rooms, gone, strangers }: Extract<RoomsEvent, { type: "sync" }>,
    isTracked: (userId: UserId) => boolean,
  ): void {
    const named = new Set(rooms.map(({ roomId }) => roomId));
    const lost = isInitial ? [...this.rooms.keys()].filter((roomId) => !named.has(roomId)) : gone;
    for (const roomId of lost) this.#forget(roomId);
    for (const delta of rooms) {
      const room = this.#roomOf(delta.roomId, next);
      room.follow(this.#asFirst(delta), next, this.#isLazy); // another tab may have forgotten the room meanwhile
      // An initial sync after a gap untracks everyone in the same step.
      if (delta.kind === "whole") this.#trackAgain(room, isInitial ? () => false : isTracked);
    }
    for (const userId of strangers) {
      if (!this.#shared.has(userId)) continue; // as the rooms say
      for (const room of this.rooms.values()) if (room.joined.has(userId)) room.doubt(next);
    }
  }

  #asFirst(delta: RoomDelta): RoomDelta {
    const isKnown = this.rooms.get(delta.roomId)?.encryption !== undefined;
    return isKnown || delta.kind === "whole" ? delta : { ...delta, kind: "first" };
  }

  /** After a gap that could not be closed, nobody is tracked: the members are again as soon as all of them are known. */
  #trackAgain(room: Room, isTracked: (userId: UserId) => boolean): void {
    if (!room.isComplete) return;
    for (const userId of room.joined) if (!isTracked(userId)) this.#before.set(userId, false);
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
      if (sharer === undefined) {
        this.#shared.set(userId, (sharer = { userId, rooms: 0 }));
        this.#touched(userId, false);
      }
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

function sectionsOf(rooms: unknown): Record<"join" | "leave" | "invite", Readonly<Record<string, unknown>>> {
  const section = (name: string) => {
    const value = isObject(rooms) ? rooms[name] : undefined;
    return isObject(value) ? value : {};
  };
  return { join: section("join"), leave: section("leave"), invite: section("invite") };
}
