import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { DeviceList } from "../trust/device-list.js";
import type { Pins } from "../trust/pins.js";
import { userKeys } from "../trust/user-keys.js";
import { bytesOf } from "./list-bytes.js";

/** What memory keeps beside a list. */
export interface BesideList {
  /** The previous saved list, if this one is not known to be saved; the changes are reported once durable. */
  readonly reported?: DeviceList | undefined;
  /** True if the store has this list, with these pins. */
  readonly isSaved?: true;
  /** The user's pins when the store was last read. */
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
    last?: CachedList,
  ) {
    const { pins, reported } = beside;
    const isAsLarge = last?.list.deviceKeys === list.deviceKeys && last.beside.pins === pins;
    if (isAsLarge && reported === last.beside.reported) this.#bytes = last.#bytes;
  }

  /** Approximate bytes in memory, including what is beside the list. */
  get bytes(): number {
    const { reported, pins } = this.beside;
    return (this.#bytes ??= bytesOf(this.list) + bytesOf(reported) + bytesOf(pins));
  }

  /**
   * Returns the list as callers get it while it is current: one object for all of them, as long as our own user-signing
   * key stays the same.
   */
  current(ourKey: string | undefined): UserDeviceKeys {
    if (this.#current === undefined || this.#current.ourKey !== ourKey) {
      this.#current = { ourKey, keys: userKeys(this.list, "current", ourKey) };
    }
    return this.#current.keys;
  }
}

export interface CacheLimits {
  readonly maxListsInMemory: number;
  readonly maxCacheBytes: number;
}

/**
 * Keeps the most recently used lists. A list that becomes outdated stays: the next one is compared with it, and callers
 * get it as the last known one if the server does not answer.
 *
 * The number of lists is limited, and so are their bytes: one user's list can be as large as those of 10,000 others.
 * The list that was set last always stays.
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
    // The order matters only once something may have to be dropped.
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
