import { Subject, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";
import type { Tracking } from "../sync/tracking.js";
import type { DeviceList } from "../trust/device-list.js";
import { ownUserSigningKey } from "../trust/identity.js";
import { CachedList, ListCache, type BesideList, type CacheLimits } from "./list-cache.js";

/**
 * The lists in memory, and our own user-signing key, which decides about other users' identities whenever a list is
 * emitted.
 */
export class ListMemory {
  readonly #ownUserId: UserId;
  readonly #tracking: Tracking;
  readonly #cache: ListCache;
  readonly #cached$ = new Subject<ReadonlyMap<UserId, CachedList>>();
  readonly #ourKeyChanges$ = new Subject<void>();
  #ourKey: string | undefined;

  /** @param ourKey our own user-signing key as saved */
  constructor(ownUserId: UserId, tracking: Tracking, limits: CacheLimits, ourKey: string | undefined) {
    this.#ownUserId = ownUserId;
    this.#tracking = tracking;
    this.#cache = new ListCache(limits);
    this.#ourKey = ourKey;
  }

  /** Emits lists that have just been cached, whichever caller requested them. */
  get cached$(): Observable<ReadonlyMap<UserId, CachedList>> {
    return this.#cached$;
  }

  /** Our own user-signing key, if our own identity can be relied on. */
  get ourKey(): string | undefined {
    return this.#ourKey;
  }

  get ourKeyChanges$(): Observable<void> {
    return this.#ourKeyChanges$;
  }

  /** Sets our own user-signing key, from our own list or from its saved record. */
  setOurKey(ourKey: string | undefined): void {
    if (ourKey === this.#ourKey) return;
    this.#ourKey = ourKey;
    this.#ourKeyChanges$.next();
  }

  /**
   * Compares our key with the saved one. If they differ, another tab found that our identity has changed, or had it
   * acknowledged: neither is relied on until our own list is processed again. A key that we dropped is not restored
   * from the store, which may not know of the change.
   */
  checkOurKey(saved: string | undefined): void {
    if (saved !== this.#ourKey) this.setOurKey(undefined);
  }

  /** Returns a user's last list, however old, and the revision that it answers. */
  last(userId: UserId): CachedList | undefined {
    return this.#cache.get(userId);
  }

  /**
   * Returns the list that answers exactly this revision, if any. Compared by identity: the number of an uncommitted
   * revision may become another one's.
   */
  cached(userId: UserId, revision: Revision): CachedList | undefined {
    const cached = this.#cache.get(userId);
    return cached?.revision === revision ? cached : undefined;
  }

  /** Caches a list if its user is tracked. Pins that were known stay known. */
  keep(userId: UserId, list: DeviceList, revision: Revision, beside: BesideList = {}): CachedList {
    const last = this.#cache.get(userId);
    const pins = beside.pins ?? last?.beside.pins;
    const cached = new CachedList(list, revision, { ...beside, pins }, last);
    if (this.#tracking.get(userId) !== undefined) this.#cache.set(userId, cached);
    if (userId === this.#ownUserId) this.setOurKey(ownUserSigningKey(list));
    return cached;
  }

  /** Marks these users as not outdated, and notifies watchers. */
  listed(lists: ReadonlyMap<UserId, CachedList>): void {
    if (lists.size === 0) return;
    this.#tracking.listed(lists);
    this.#cached$.next(lists);
  }

  /** Replaces a list although no change was announced, and notifies watchers. */
  replace(userId: UserId, list: DeviceList, revision: Revision, beside: BesideList): void {
    this.#cached$.next(new Map([[userId, this.keep(userId, list, revision, beside)]]));
  }

  /** Like {@link replace}, after a person's decision about the user. That does not affect our own user-signing key. */
  edit(userId: UserId, list: DeviceList, revision: Revision, beside: BesideList): void {
    const ourKey = this.#ourKey;
    const cached = this.keep(userId, list, revision, beside);
    this.setOurKey(ourKey);
    this.#cached$.next(new Map([[userId, cached]]));
  }

  forget(userIds: Iterable<UserId>): void {
    for (const userId of userIds) this.#cache.delete(userId);
  }

  /**
   * Forgets everything, since it was never compared with the store's pins.
   * @param ourKey our own user-signing key as saved
   */
  reset(ourKey: string | undefined): void {
    this.#cache.clear();
    this.setOurKey(ourKey);
  }
}
