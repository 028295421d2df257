import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { DeviceList } from "../trust/device-list.js";
import type { Pins } from "../trust/pins.js";
import { userKeys } from "../trust/user-keys.js";
import { bytesOf } from "./list-bytes.js";

/** What memory keeps beside a list. */
export interface BesideList {
  /** If the list is not known to be saved: the saved list before it. Its changes are reported once they are durable. */
  readonly reported?: DeviceList | undefined;
  /** Whether the store has this list, with these pins. */
  readonly isSaved?: true;
  /** The user's pins when the store was last asked. */
  readonly pins?: Pins | undefined;
}

/** A list in memory, and the revision that it answers. */
export class CachedList {
  #bytes: number | undefined;
  #current: { readonly ourKey: string | undefined; readonly keys: UserDeviceKeys } | undefined;

  constructor(
    readonly list: DeviceList,
    readonly revision: Revision,
    readonly beside: BesideList = {},
    /** The last list of the same user. */
    last?: CachedList,
  ) {
    const { pins, reported } = beside;
    const isAsLarge = last?.list.deviceKeys === list.deviceKeys && last.beside.pins === pins;
    if (isAsLarge && reported === last.beside.reported) this.#bytes = last.#bytes;
  }

  /** How many bytes it takes in memory, approximately, with what is beside it. */
  get bytes(): number {
    const { reported, pins } = this.beside;
    return (this.#bytes ??= bytesOf(this.list) + bytesOf(reported) + bytesOf(pins));
  }

  /**
   * The list as callers get it while it is current: one object for all of them, as long as our own user-signing key
   * stays the same.
   */
  current(ourKey: string | undefined): UserDeviceKeys {
    if (this.#current === undefined || this.#current.ourKey !== ourKey) {
      this.#current = { ourKey, keys: userKeys(this.list, "current", ourKey) };
    }
    return this.#current.keys;
  }
}

/** How much is cached. */
export interface CacheLimits {
  readonly maxListsInMemory: number;
  readonly maxCacheBytes: number;
}

/**
 * The lists used last. A list that has become outdated stays: the next one is compared with it, and callers get it as
 * the last known one if the server does not answer.
 *
 * It is limited in lists, and in bytes: one user can have a list that is as large as those of 10,000 others. The list
 * that was set last is kept in any case.
 */
export class ListCache {
  readonly #lists = new Map<UserId, CachedList>(); // least recently used first
  readonly #limits: CacheLimits;
  #bytes = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  get(userId: UserId): CachedList | undefined {
    const cached = this.#lists.get(userId);
    // The order matters only once something may have to go.
    if (cached !== undefined && this.#isFuller(0.5)) this.#moveToEnd(userId, cached);
    return cached;
  }

  set(userId: UserId, cached: CachedList): void {
    this.delete(userId);
    this.#lists.set(userId, cached);
    this.#bytes += cached.bytes;
    while (this.#isFuller(1) && this.#lists.size > 1) {
      const [oldest] = this.#lists.keys();
      if (oldest !== undefined) this.delete(oldest);
    }
  }

  delete(userId: UserId): void {
    this.#bytes -= this.#lists.get(userId)?.bytes ?? 0;
    this.#lists.delete(userId);
  }

  clear(): void {
    this.#lists.clear();
    this.#bytes = 0;
  }

  #isFuller(part: number): boolean {
    const { maxListsInMemory, maxCacheBytes } = this.#limits;
    return this.#lists.size > maxListsInMemory * part || this.#bytes > maxCacheBytes * part;
  }

  #moveToEnd(userId: UserId, cached: CachedList): void {
    this.#lists.delete(userId);
    this.#lists.set(userId, cached);
  }
}
