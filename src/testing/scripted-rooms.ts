import type { UserId } from "../model/ids.js";
import type { HistoryVisibility, RoomId } from "../rooms/wire.js";

interface RoomEvent {
  readonly position: number;
  readonly type: string;
  readonly stateKey: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What rooms need of their homeserver. */
export interface RoomSurroundings {
  /** Our own user. */
  readonly userId: UserId;
  /** The position of the next event. */
  readonly advance: () => number;
  /** Users who have come to share a room with us, or share none any more. */
  readonly announce: (kind: "changed" | "left", userId: UserId) => void;
}

/** A room of a {@link ScriptedHomeserver}. What is done to it is in the next step. */
export class ScriptedRoom {
  readonly roomId: RoomId;
  /** Whether the next step has a limited timeline: what has happened is only in its state, if at all. */
  isLimited = false;
  readonly #rooms: ScriptedRooms;
  readonly #events: RoomEvent[] = [];

  constructor(roomId: RoomId, rooms: ScriptedRooms) {
    this.roomId = roomId;
    this.#rooms = rooms;
    this.set("m.room.create", {});
  }

  join(...users: readonly UserId[]): void {
    this.#setMembers("join", users);
  }

  invite(...users: readonly UserId[]): void {
    this.#setMembers("invite", users);
  }

  /** They leave, or are removed. */
  leave(...users: readonly UserId[]): void {
    this.#setMembers("leave", users);
  }

  encrypt(settings: Readonly<Record<string, unknown>> = {}): void {
    this.set("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2", ...settings });
  }

  setVisibility(visibility: HistoryVisibility): void {
    this.set("m.room.history_visibility", { history_visibility: visibility });
  }

  /** Sets any state. */
  set(type: string, content: Readonly<Record<string, unknown>>, stateKey = ""): void {
    this.#events.push({ position: this.#rooms.advance(), type, stateKey, content });
  }

  /** The state events as of a position. */
  stateAt(position: number): readonly RoomEvent[] {
    const state = new Map<string, RoomEvent>();
    for (const event of this.#events)
      if (event.position <= position) state.set(`${event.type}\n${event.stateKey}`, event);
    return [...state.values()];
  }

  membershipAt(userId: UserId, position: number): unknown {
    return this.stateAt(position).find(({ type, stateKey }) => type === "m.room.member" && stateKey === userId)?.content
      .membership;
  }

  between(from: number, to: number): readonly RoomEvent[] {
    return this.#events.filter(({ position }) => position > from && position <= to);
  }

  #setMembers(membership: string, users: readonly UserId[]): void {
    for (const userId of users) {
      const wasShared = this.#rooms.isShared(userId);
      this.set("m.room.member", { membership }, userId);
      const isShared = this.#rooms.isShared(userId);
      if (isShared !== wasShared) this.#rooms.announce(isShared ? "changed" : "left", userId);
    }
  }
}

/** The rooms of a {@link ScriptedHomeserver}: what sync and `/members` say of them. */
export class ScriptedRooms {
  /** Whether sync leaves out the members of a room that we join, and those who come and go in a limited timeline. */
  isLazy = false;
  /** Whether users who come to share a room with us, or share none any more, are in `device_lists`. */
  announcesSharing = true;
  readonly #rooms = new Map<RoomId, ScriptedRoom>();
  readonly #surroundings: RoomSurroundings;

  constructor(surroundings: RoomSurroundings) {
    this.#surroundings = surroundings;
  }

  /** The room, which is made if there is none of this ID. */
  room(roomId: RoomId): ScriptedRoom {
    let room = this.#rooms.get(roomId);
    if (room === undefined) this.#rooms.set(roomId, (room = new ScriptedRoom(roomId, this)));
    return room;
  }

  advance(): number {
    return this.#surroundings.advance();
  }

  announce(kind: "changed" | "left", userId: UserId): void {
    if (this.announcesSharing) this.#surroundings.announce(kind, userId);
  }

  /** Whether a user is in a room that we are in. */
  isShared(userId: UserId): boolean {
    const { userId: ownUserId } = this.#surroundings;
    const now = Number.POSITIVE_INFINITY;
    const isIn = (room: ScriptedRoom, one: UserId) => room.membershipAt(one, now) === "join";
    return Array.from(this.#rooms.values()).some((room) => isIn(room, userId) && isIn(room, ownUserId));
  }

  /** `rooms` of a sync response; `undefined` if nothing has happened. */
  sync(since: number | null, now: number): Readonly<Record<string, unknown>> | undefined {
    const { userId } = this.#surroundings;
    const join: Record<RoomId, unknown> = {};
    const leave: Record<RoomId, unknown> = {};
    const invite: Record<RoomId, unknown> = {};
    for (const room of this.#rooms.values()) {
      const was = since === null ? undefined : room.membershipAt(userId, since);
      const is = room.membershipAt(userId, now);
      const events = room.between(since ?? 0, now);
      const { isLimited } = room;
      room.isLimited = false;
      if (is === "join" && was !== "join") join[room.roomId] = this.#joined(room, now);
      else if (events.length === 0 && !isLimited) continue;
      else if (is === "join") join[room.roomId] = isLimited ? this.#limited(room, since ?? 0, now) : timeline(events);
      else if (is === "invite") invite[room.roomId] = { invite_state: { events: [] } };
      else if (was === "join") leave[room.roomId] = timeline(events);
    }
    const isEmpty = [join, leave, invite].every((section) => Object.keys(section).length === 0);
    return isEmpty ? undefined : { join, leave, invite };
  }

  /** The response of `/members` as of a position; `undefined` if we are not in the room. */
  members(roomId: RoomId, position: number): { readonly chunk: readonly unknown[] } | undefined {
    const room = this.#rooms.get(roomId);
    if (room?.membershipAt(this.#surroundings.userId, position) !== "join") return undefined;
    const members = room
      .stateAt(position)
      .filter(({ type, content }) => type === "m.room.member" && content.membership !== "leave");
    return { chunk: members.map(toEvent) };
  }

  /** The content of a state event; `undefined` if there is none. */
  state(roomId: RoomId, eventType: string, position: number): unknown {
    const room = this.#rooms.get(roomId);
    return room?.stateAt(position).find(({ type, stateKey }) => type === eventType && stateKey === "")?.content;
  }

  #joined(room: ScriptedRoom, now: number): unknown {
    const { userId } = this.#surroundings;
    const isShown = ({ type, stateKey }: RoomEvent) => !this.isLazy || type !== "m.room.member" || stateKey === userId;
    return {
      state: { events: room.stateAt(now).filter(isShown).map(toEvent) },
      timeline: { events: [], limited: true },
    };
  }

  #limited(room: ScriptedRoom, since: number, now: number): unknown {
    const named = new Set(room.between(since, now).map(({ type, stateKey }) => `${type}\n${stateKey}`));
    const isShown = ({ type, stateKey }: RoomEvent) =>
      named.has(`${type}\n${stateKey}`) && !(this.isLazy && type === "m.room.member");
    return {
      state: { events: room.stateAt(now).filter(isShown).map(toEvent) },
      timeline: { events: [], limited: true },
    };
  }
}

const timeline = (events: readonly RoomEvent[]): unknown => ({
  timeline: { events: events.map(toEvent), limited: false },
});

const toEvent = ({ position, type, stateKey, content }: RoomEvent): unknown => ({
  type,
  state_key: stateKey,
  content,
  event_id: `$${position}`,
});
