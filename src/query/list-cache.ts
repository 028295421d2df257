import type { DeviceList } from "../keys/device-list.js";
import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";

/** A list in memory, and the revision that it answers. */
export class CachedList {
  #current: UserDeviceKeys | undefined;

  constructor(
    readonly list: DeviceList,
    readonly revision: Revision,
  ) {}

  /** The list as callers get it while it is current, made once for all of them. */
  get current(): UserDeviceKeys {
    return (this.#current ??= { ...this.list, freshness: "current" });
  }
}

/** The lists used last, in memory. A list whose user has changed since stays: later comparisons, and callers whom nobody answers, need it. */
export class ListCache {
  readonly #lists = new Map<UserId, CachedList>(); // least recently used first
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(userId: UserId): CachedList | undefined {
    const cached = this.#lists.get(userId);
    if (cached !== undefined && this.#lists.size * 2 > this.#limit) {
      // Order matters only once something may have to go.
      this.#lists.delete(userId);
      this.#lists.set(userId, cached);
    }
    return cached;
  }

  set(userId: UserId, cached: CachedList): void {
    this.#lists.delete(userId);
    this.#lists.set(userId, cached);
    if (this.#lists.size <= this.#limit) return;
    const [oldest] = this.#lists.keys();
    if (oldest !== undefined) this.#lists.delete(oldest);
  }

  delete(userId: UserId): void {
    this.#lists.delete(userId);
  }
}
