import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { DeviceList } from "../trust/device-list.js";
import { identityStatus } from "../trust/identity.js";
import type { Pins } from "../trust/pins.js";

/** What memory keeps beside a list. */
export interface BesideList {
  /** If the list is not known to be saved: the saved list before it. Its changes are reported once they are durable. */
  readonly reported?: DeviceList | undefined;
  /** The user's pins when the store was last asked. */
  readonly pins?: Pins | undefined;
}

/** A list in memory, and the revision that it answers. */
export class CachedList {
  #current: { readonly ourKey: string | undefined; readonly keys: UserDeviceKeys } | undefined;

  constructor(
    readonly list: DeviceList,
    readonly revision: Revision,
    readonly beside: BesideList = {},
  ) {}

  /**
   * The list as callers get it while it is current: one object for all of them, as long as our own user-signing key
   * stays the same.
   */
  current(ourKey: string | undefined): UserDeviceKeys {
    if (this.#current === undefined || this.#current.ourKey !== ourKey) {
      const identity = identityStatus(this.list.identity, ourKey);
      this.#current = { ourKey, keys: { ...this.list, identity, freshness: "current" } };
    }
    return this.#current.keys;
  }
}

/**
 * The lists used last. A list that has become outdated stays: the next one is compared with it, and callers get it as
 * the last known one if the server does not answer.
 */
export class ListCache {
  readonly #lists = new Map<UserId, CachedList>(); // least recently used first
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(userId: UserId): CachedList | undefined {
    const cached = this.#lists.get(userId);
    // The order matters only once something may have to go.
    if (cached !== undefined && this.#lists.size * 2 > this.#limit) this.#moveToEnd(userId, cached);
    return cached;
  }

  set(userId: UserId, cached: CachedList): void {
    this.#moveToEnd(userId, cached);
    if (this.#lists.size <= this.#limit) return;
    const [oldest] = this.#lists.keys();
    if (oldest !== undefined) this.#lists.delete(oldest);
  }

  delete(userId: UserId): void {
    this.#lists.delete(userId);
  }

  clear(): void {
    this.#lists.clear();
  }

  #moveToEnd(userId: UserId, cached: CachedList): void {
    this.#lists.delete(userId);
    this.#lists.set(userId, cached);
  }
}
