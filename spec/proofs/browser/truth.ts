import { ALICE } from "../../../demo/homeserver/kitchen.mjs";
import { World } from "../../../demo/homeserver/world.mjs";
import type { DeviceId, UserId } from "../../../src/model/ids.js";

/** Our own user. */
export const OWN_USER: UserId = ALICE;
export const OTHERS: readonly UserId[] = Array.from({ length: 36 }, (_, i) => `@user${i}:home.example`);
export const ALL_USERS: readonly UserId[] = [OWN_USER, ...OTHERS];

/** Devices of a user at most. */
const MOST_DEVICES = 3;

/** What was announced of a user at a position of the stream: that they changed, or that they left, and the version of their list at that time. */
export interface Announced {
  readonly at: number;
  readonly version: number;
  readonly hasLeft: boolean;
}

/**
 * What is true: the homeserver's users, and a history of what it announced. A token is a position in its stream, and each list of a user has a version,
 * by which a list in a result is recognised.
 */
export class Truth {
  readonly world: World;
  readonly #announced = new Map<UserId, Announced[]>();
  readonly #versions = new Map<string, number>();
  readonly #version = new Map<UserId, number>();

  /** At first we share a room with no user. */
  constructor() {
    this.world = new World(
      ALL_USERS.map((userId) => ({ userId, devices: 1, hasIdentity: false, isAway: userId !== OWN_USER })),
    );
    for (const user of ALL_USERS) this.#listChanged(user);
  }

  /** The number of announcements so far. */
  get position(): number {
    return this.world.announcements.position;
  }

  /** Users who share a room with us, as of a position. */
  sharing(at = this.position): readonly UserId[] {
    return ALL_USERS.filter((user) => user === OWN_USER || this.announced(user, at)?.hasLeft === false);
  }

  /** The newest devices of a user, announced or not. */
  devices(user: UserId): readonly DeviceId[] {
    return Object.keys(this.world.deviceList(user) ?? {});
  }

  /** The version of a user's list with these devices; `undefined` if there never was such a list. */
  versionOf(user: UserId, devices: readonly DeviceId[]): number | undefined {
    return this.#versions.get(keyOf(user, devices));
  }

  /** What was announced of a user last, up to a position. */
  announced(user: UserId, upTo: number): Announced | undefined {
    return this.#announced.get(user)?.findLast(({ at }) => at <= upTo);
  }

  positionOf(token: string): number {
    const [, position, life] = /^s(\d+)_(\w+)$/u.exec(token) ?? [];
    if (life !== this.world.life) throw new Error(`the server never returned the token ${token}`);
    return Number(position);
  }

  change(user: UserId): void {
    const isFull = this.devices(user).length >= MOST_DEVICES;
    this.#happens(user, () => void (isFull ? this.world.replaceDevice(user) : this.world.addDevice(user)));
  }

  join(user: UserId): void {
    this.#happens(user, () => this.world.join(user));
  }

  leave(user: UserId): void {
    this.#happens(user, () => this.world.leave(user));
  }

  /** Records what was announced. Within one task: no response is sent in between. */
  #happens(user: UserId, action: () => void): void {
    const { position } = this;
    action();
    this.#listChanged(user);
    if (this.position === position) return;
    const hasLeft = !this.world.members().includes(user);
    const announced = { at: this.position, version: this.#version.get(user) ?? 0, hasLeft };
    this.#announced.set(user, [...(this.#announced.get(user) ?? []), announced]);
  }

  #listChanged(user: UserId): void {
    const key = keyOf(user, this.devices(user));
    if (this.#versions.has(key)) return;
    const version = (this.#version.get(user) ?? 0) + 1;
    this.#version.set(user, version);
    this.#versions.set(key, version);
  }
}

const keyOf = (user: UserId, devices: readonly DeviceId[]): string => `${user} ${[...devices].sort().join(" ")}`;
