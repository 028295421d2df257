import type { UserId } from "../model/ids.js";
import type { HistoryVisibility, RoomId } from "../rooms/wire.js";

interface RoomEvent {
  readonly position: number;
  readonly type: string;
  /** `undefined` for a message. */
  readonly stateKey: string | undefined;
  readonly sender: UserId;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What rooms need from their homeserver. */
export interface RoomSurroundings {
  /** Our own user. */
  readonly userId: UserId;
  /** Returns the position of the next event. */
  readonly advance: () => number;
  /** Announces that a user now shares a room with us (`changed`), or no longer does (`left`). */
  readonly announce: (kind: "changed" | "left", userId: UserId) => void;
}

/** A room of a {@link ScriptedHomeserver}. The next step shows its changes. */
export class ScriptedRoom {
  readonly roomId: RoomId;
  /** True if the next step has a limited timeline: earlier events are only in its state, if at all. */
  isLimited = false;
  /** The number of events in a limited timeline. */
  timelineLength = 0;
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
    this.#setMembers("invite", users, ADMIN);
  }

  leave(...users: readonly UserId[]): void {
    this.#setMembers("leave", users);
  }

  kick(...users: readonly UserId[]): void {
    this.#setMembers("leave", users, ADMIN);
  }

  ban(...users: readonly UserId[]): void {
    this.#setMembers("ban", users, ADMIN);
  }

  knock(...users: readonly UserId[]): void {
    this.#setMembers("knock", users);
  }

  encrypt(settings: Readonly<Record<string, unknown>> = {}): void {
    this.set("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2", ...settings });
  }

  setVisibility(visibility: HistoryVisibility): void {
    this.set("m.room.history_visibility", { history_visibility: visibility });
  }

  /** Sends a message. With lazy loading, the state includes its sender's member event. */
  send(sender: UserId): void {
    this.#events.push({
      position: this.#rooms.advance(),
      type: "m.room.encrypted",
      stateKey: undefined,
      sender,
      content: {},
    });
  }

  /** Sends a state event. */
  set(type: string, content: Readonly<Record<string, unknown>>, stateKey = "", sender = ADMIN): void {
    this.#events.push({ position: this.#rooms.advance(), type, stateKey, sender, content });
  }

  /** Returns the state events as of a position. */
  stateAt(position: number): readonly RoomEvent[] {
    const state = new Map<string, RoomEvent>();
    for (const event of this.#events)
      if (event.stateKey !== undefined && event.position <= position)
        state.set(`${event.type}\n${event.stateKey}`, event);
    return [...state.values()];
  }

  membershipAt(userId: UserId, position: number): unknown {
    return this.stateAt(position).find(({ type, stateKey }) => type === "m.room.member" && stateKey === userId)?.content
      .membership;
  }

  between(from: number, to: number): readonly RoomEvent[] {
    return this.#events.filter(({ position }) => position > from && position <= to);
  }

  /** Returns the members at a position. */
  joinedAt(position: number): readonly UserId[] {
    return this.stateAt(position).flatMap(({ type, stateKey = "", content }) =>
      type === "m.room.member" && content.membership === "join" ? [stateKey] : [],
    );
  }

  #setMembers(membership: string, users: readonly UserId[], sender?: UserId): void {
    for (const userId of users) {
      // When we join or leave, each member may come to share a room with us, or no longer do.
      const concerned = [userId, ...(userId === this.#rooms.userId ? this.joinedAt(Number.POSITIVE_INFINITY) : [])];
      const before = new Set(concerned.filter((one) => this.#rooms.isShared(one)));
      this.set("m.room.member", { membership }, userId, sender ?? userId);
      for (const one of new Set(concerned)) {
        const isShared = this.#rooms.isShared(one);
        if (isShared !== before.has(one) && one !== this.#rooms.userId)
          this.#rooms.announce(isShared ? "changed" : "left", one);
      }
    }
  }
}

/** The rooms of a {@link ScriptedHomeserver}: what sync and `/members` say of them. */
export class ScriptedRooms {
  /** True if sync names only members that join, leave or send something. */
  isLazy = false;
  /** With {@link isLazy}, true if it also omits members that joined or left before a limited timeline. */
  leavesOut = true;
  /** The property in which sync has the state after the timeline, instead of the state before it (MSC4222). */
  stateAfter: "state_after" | "org.matrix.msc4222.state_after" | undefined;
  /** True if `device_lists` names users when they come to share a room with us, or no longer share any. */
  announcesSharing = true;
  readonly #rooms = new Map<RoomId, ScriptedRoom>();
  readonly #surroundings: RoomSurroundings;

  constructor(surroundings: RoomSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Returns the room with this ID, creating it if it does not exist. */
  room(roomId: RoomId): ScriptedRoom {
    let room = this.#rooms.get(roomId);
    if (room === undefined) this.#rooms.set(roomId, (room = new ScriptedRoom(roomId, this)));
    return room;
  }

  get userId(): UserId {
    return this.#surroundings.userId;
  }

  advance(): number {
    return this.#surroundings.advance();
  }

  announce(kind: "changed" | "left", userId: UserId): void {
    if (this.announcesSharing) this.#surroundings.announce(kind, userId);
  }

  /** True if a user is in a room that we are in. */
  isShared(userId: UserId, position = Number.POSITIVE_INFINITY): boolean {
    const { userId: ownUserId } = this.#surroundings;
    const isIn = (room: ScriptedRoom, one: UserId) => room.membershipAt(one, position) === "join";
    return Array.from(this.#rooms.values()).some((room) => isIn(room, userId) && isIn(room, ownUserId));
  }

  /** Returns `rooms` of a sync response; `undefined` if nothing has happened. */
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
      const hasLeft = events.some(
        ({ type, stateKey, content }) =>
          type === "m.room.member" && stateKey === userId && content.membership !== "join",
      );
      if (is === "join" && (was !== "join" || hasLeft)) join[room.roomId] = this.#shown(room, since ?? 0, now, "whole");
      else if (events.length === 0 && !isLimited) continue;
      else if (is === "join") join[room.roomId] = this.#shown(room, since ?? 0, now, isLimited ? "limited" : "all");
      else if (is === "invite") invite[room.roomId] = { invite_state: { events: [] } };
      else if (was === "join" || hasLeft)
        leave[room.roomId] = { timeline: { events: events.map(toEvent), limited: false } };
    }
    const isEmpty = [join, leave, invite].every((section) => Object.keys(section).length === 0);
    return isEmpty ? undefined : { join, leave, invite };
  }

  /**
   * Returns the response of `/members` as of a position, or as of our departure before it; `undefined` if we have never
   * been in the room.
   */
  members(roomId: RoomId, position: number): { readonly chunk: readonly unknown[] } | undefined {
    const room = this.#rooms.get(roomId);
    const own = room
      ?.between(Number.NEGATIVE_INFINITY, position)
      .filter(({ type, stateKey }) => type === "m.room.member" && stateKey === this.userId);
    const joined = own?.findLastIndex(({ content }) => content.membership === "join") ?? -1;
    if (joined === -1) return undefined;
    const members = room
      ?.stateAt(own?.[joined + 1]?.position ?? position)
      .filter(({ type, content }) => type === "m.room.member" && content.membership !== "leave");
    return { chunk: (members ?? []).map(toEvent) };
  }

  /** Returns the content of a state event; `undefined` if there is none. */
  state(roomId: RoomId, eventType: string, position: number): unknown {
    const room = this.#rooms.get(roomId);
    return room?.stateAt(position).find(({ type, stateKey }) => type === eventType && stateKey === "")?.content;
  }

  /**
   * Shows a room that we are in. `whole`: with its whole state, because we have just joined. `limited`: its timeline
   * lacks events.
   */
  #shown(room: ScriptedRoom, since: number, now: number, kind: "whole" | "limited" | "all"): unknown {
    const events = room.between(since, now);
    const shown = kind === "all" ? events : room.timelineLength === 0 ? [] : events.slice(-room.timelineLength);
    const start = (shown[0]?.position ?? now + 1) - 1;
    const [from, to] = [kind === "whole" ? 0 : since, this.stateAfter === undefined ? start : now];
    const senders = new Set(shown.map(({ sender }) => sender));
    const named = new Set(room.between(from, to).map(keyOf));
    const inTimeline = new Set(this.stateAfter === undefined ? [] : shown.map(keyOf));
    const isLeftOut = kind === "whole" || (kind === "limited" && this.leavesOut);
    const isInState = (event: RoomEvent) => {
      if (event.type !== "m.room.member" || !this.isLazy) return named.has(keyOf(event));
      if (event.stateKey === this.userId && kind === "whole") return true;
      if (senders.has(event.stateKey ?? "") || inTimeline.has(keyOf(event))) return true;
      return !isLeftOut && named.has(keyOf(event));
    };
    const state = room.stateAt(to).filter(isInState);
    return {
      [this.stateAfter ?? "state"]: { events: state.map(toEvent) },
      timeline: { events: shown.map(toEvent), limited: kind !== "all" },
    };
  }
}

/** Sends all state events that users do not send about themselves. */
const ADMIN: UserId = "@admin:example.org";

const keyOf = ({ type, stateKey = "" }: RoomEvent): string => `${type}\n${stateKey}`;

const toEvent = ({ position, type, stateKey, sender, content }: RoomEvent): unknown => ({
  type,
  ...(stateKey !== undefined && { state_key: stateKey }),
  sender,
  content,
  event_id: `$${position}`,
});
