import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { RoomId } from "../../src/rooms/wire.js";
import type { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";

/** All positions of the server from one to another, both included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What is the case on the server, at every position that it ever had. */
export class RoomTruth {
  readonly #homeserver: ScriptedHomeserver;
  /** The devices of each user, from a position on. */
  readonly #lists = new Map<UserId, { readonly from: number; readonly devices: readonly DeviceId[] }[]>();

  constructor(homeserver: ScriptedHomeserver) {
    this.#homeserver = homeserver;
  }

  get position(): number {
    return Number(this.#homeserver.token.slice(1));
  }

  /**
   * Whether a user may read what is sent at some position of a stretch, and at all of them.
   * @param since the position of the last thing that is known of the user, if that is later
   */
  mayRead(
    roomId: RoomId,
    userId: UserId,
    stretch: Stretch,
    since = 0,
  ): { readonly ever: boolean; readonly always: boolean } {
    const ofUser = { from: Math.max(stretch.from, since), to: stretch.to };
    const memberships = this.memberships(roomId, userId, ofUser);
    const forInvited = this.visibilities(roomId, stretch).map((visibility) => visibility !== "joined");
    const isReader = (membership: unknown) => (isOpen: boolean) =>
      membership === "join" || (membership === "invite" && isOpen);
    return {
      ever: memberships.some((membership) => forInvited.some(isReader(membership))),
      always: memberships.every((membership) => forInvited.every(isReader(membership))),
    };
  }

  memberships(roomId: RoomId, userId: UserId, stretch: Stretch): readonly unknown[] {
    return this.#over(stretch, (at) => this.membership(roomId, userId, at));
  }

  membership(roomId: RoomId, userId: UserId, at: number): unknown {
    return this.#homeserver.room(roomId).membershipAt(userId, at);
  }

  visibilities(roomId: RoomId, stretch: Stretch): readonly unknown[] {
    return this.#over(stretch, (at) => {
      const content = this.#homeserver.rooms.state(roomId, "m.room.history_visibility", at);
      return (content as { history_visibility?: unknown } | undefined)?.history_visibility ?? "shared";
    });
  }

  /** Whether we are in the room, and it is encrypted, at each position of a stretch. */
  isOurs(roomId: RoomId, stretch: Stretch): readonly boolean[] {
    const { rooms } = this.#homeserver;
    return this.#over(stretch, (at) => {
      const isEncrypted = rooms.state(roomId, "m.room.encryption", at) !== undefined;
      return isEncrypted && this.membership(roomId, rooms.userId, at) === "join";
    });
  }

  /** Whether somebody has tried to switch the encryption off. */
  isSwitchedOff(roomId: RoomId): boolean {
    const content = this.#homeserver.rooms.state(roomId, "m.room.encryption", this.position);
    return content !== undefined && (content as { algorithm?: unknown }).algorithm === undefined;
  }

  /** Whether a user has left, or was invited instead of being a member, after a position. */
  hasLeft(roomId: RoomId, userId: UserId, { from, to }: Stretch): boolean {
    return this.#homeserver
      .room(roomId)
      .between(from, to)
      .some(
        ({ type, stateKey, content }) =>
          type === "m.room.member" && stateKey === userId && content.membership !== "join",
      );
  }

  /** The devices of a user have changed. */
  listed(userId: UserId): void {
    const lists = this.#lists.get(userId) ?? [];
    lists.push({ from: this.position, devices: [...this.#homeserver.devicesOf(userId).keys()] });
    this.#lists.set(userId, lists);
  }

  /** The lists that a user had in a stretch. */
  devices(userId: UserId, { from, to }: Stretch): readonly (readonly DeviceId[])[] {
    const lists = this.#lists.get(userId) ?? [];
    return lists
      .filter((list, i) => list.from <= to && (lists[i + 1]?.from ?? Number.POSITIVE_INFINITY) > from)
      .map(({ devices }) => devices);
  }

  #over<T>({ from, to }: Stretch, value: (at: number) => T): readonly T[] {
    const values = new Set<T>();
    for (let at = from; at <= to; at++) values.add(value(at));
    return [...values];
  }
}
