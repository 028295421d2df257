import type { DeviceList } from "../trust/device-list.js";
import type { Pins } from "../trust/pins.js";
import { identityStatus } from "../trust/identity.js";
import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";

/** What memory keeps beside a list. */
export interface BesideList {
  /** Where it could not be saved, as far as is known: the list before it, by which its changes are to be told once that is durable. */
  readonly told?: DeviceList | undefined;
  /** What the store had pinned of the user when it was last asked. */
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

  /** The list as callers get it while it is current, made once for all of them as long as our own user-signing key is the same. */
  current(ourKey: string | undefined): UserDeviceKeys {
    if (this.#current === undefined || this.#current.ourKey !== ourKey) {
      this.#current = {
        ourKey,
        keys: { ...this.list, identity: identityStatus(this.list.identity, ourKey), freshness: "current" },
      };
    }
    return this.#current.keys;
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
