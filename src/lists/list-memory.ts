import { Subject, type Observable } from "rxjs";
import type { DeviceList } from "../trust/device-list.js";
import { ownUserSigningKey } from "../trust/identity.js";
import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { CachedList, ListCache, type BesideList } from "./list-cache.js";

/** The lists that memory has, and our own user-signing key, by which others' identities are judged whenever a list is given out. */
export class ListMemory {
  readonly #ownUserId: UserId;
  readonly #tracked: TrackedUsers;
  readonly #cache: ListCache;
  readonly #cached$ = new Subject<ReadonlyMap<UserId, CachedList>>();
  readonly #ourKeyChanges$ = new Subject<void>();
  #ourKey: string | undefined;

  /** @param ourKey our own user-signing key, by what is saved */
  constructor(ownUserId: UserId, tracked: TrackedUsers, limit: number, ourKey: string | undefined) {
    this.#ownUserId = ownUserId;
    this.#tracked = tracked;
    this.#cache = new ListCache(limit);
    this.#ourKey = ourKey;
  }

  /** Lists that have just been cached, by whomever they were asked for. */
  get cached$(): Observable<ReadonlyMap<UserId, CachedList>> {
    return this.#cached$;
  }

  /** Our own user-signing key, where our own identity can be relied on. */
  get ourKey(): string | undefined {
    return this.#ourKey;
  }

  /** Emits when {@link ourKey} is another one. */
  get ourKeyChanges$(): Observable<void> {
    return this.#ourKeyChanges$;
  }

  /** Our own user-signing key is this one: by our own list, or by what the store says of it. */
  setOurKey(ourKey: string | undefined): void {
    if (ourKey === this.#ourKey) return;
    this.#ourKey = ourKey;
    this.#ourKeyChanges$.next();
  }

  /**
   * What the store says of our own user-signing key: where it is another one than that which we rely on, another tab has found that our identity has changed, or had that acknowledged. Until
   * our own list is looked at again, neither is relied on; and what we do not rely on, the store does not bring back, for it may not have been told of the change.
   */
  checkOurKey(saved: string | undefined): void {
    if (saved !== this.#ourKey) this.setOurKey(undefined);
  }

  /** The last list of a user, however old, and the revision that it answers. */
  last(userId: UserId): CachedList | undefined {
    return this.#cache.get(userId);
  }

  /** The list that answers this very revision, if there is one. */
  cached(userId: UserId, revision: Revision): CachedList | undefined {
    const cached = this.#cache.get(userId);
    return cached?.revision === revision ? cached : undefined;
  }

  /** Takes a list in, where its user is tracked. What was pinned stays known. */
  keep(userId: UserId, list: DeviceList, revision: Revision, beside: BesideList = {}): CachedList {
    const cached = new CachedList(list, revision, {
      ...beside,
      pins: beside.pins ?? this.#cache.get(userId)?.beside.pins,
    });
    if (this.#tracked.get(userId) !== undefined) this.#cache.set(userId, cached);
    if (userId === this.#ownUserId) this.setOurKey(ownUserSigningKey(list));
    return cached;
  }

  /** These users are not outdated any more, and whoever watches them is told. */
  listed(lists: ReadonlyMap<UserId, CachedList>): void {
    if (lists.size === 0) return;
    this.#tracked.listed(lists);
    this.#cached$.next(lists);
  }

  /** The list is another one now, though no change was announced. */
  replace(userId: UserId, list: DeviceList, revision: Revision, beside: BesideList): void {
    this.#cached$.next(new Map([[userId, this.keep(userId, list, revision, beside)]]));
  }

  forget(userIds: Iterable<UserId>): void {
    for (const userId of userIds) this.#cache.delete(userId);
  }
}
