import { distinctUntilChanged, map, merge, of, Subject, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";
import type { Effects, TrackedUser } from "../store/tracked-users.js";

/** Users with cached lists that must not be used any more, and users that are no longer tracked. */
export interface Invalidations {
  readonly invalidated: readonly UserId[];
  readonly left: readonly UserId[];
}

/**
 * The tracked users as lookups see them, and what they emit.
 *
 * Reflects every change before anything is emitted for it: the owner of the state calls {@link changed} once memory,
 * queries and lists are updated.
 */
export class Tracking {
  readonly #users: Map<UserId, TrackedUser>;
  readonly #invalidations$ = new Subject<Invalidations>();
  readonly #setChanges$ = new Subject<void>();
  readonly #doubtChanges$ = new Subject<void>();
  #inDoubt = false;
  #set: ReadonlySet<UserId> | undefined;
  #isSetStale = true;
  #isSetHeld = false;

  constructor(users: Map<UserId, TrackedUser>) {
    this.#users = users;
  }

  /** In the order in which they happen. */
  get invalidations$(): Observable<Invalidations> {
    return this.#invalidations$;
  }

  /** True if steps may be missing, so that nothing in memory may be called current. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  get doubtChanges$(): Observable<void> {
    return this.#doubtChanges$;
  }

  /**
   * Emits the current set of tracked users, and again when it changes. The set is copied only while there is a
   * subscriber.
   */
  get set$(): Observable<ReadonlySet<UserId>> {
    // Changes are subscribed to first: one made from inside the first emission must not be missed.
    return merge(this.#setChanges$, of(undefined)).pipe(
      map(() => this.#currentSet()),
      distinctUntilChanged(),
    );
  }

  get(userId: UserId): TrackedUser | undefined {
    return this.#users.get(userId);
  }

  /** Lists that answer these revisions were cached. */
  listed(lists: ReadonlyMap<UserId, { readonly revision: Revision }>): void {
    for (const [userId, { revision }] of lists) {
      if (this.#users.get(userId)?.revision === revision)
        this.#users.set(userId, { revision, outdated: false, hasList: true });
    }
  }

  /** Lists of these users were saved, perhaps for an older revision than theirs. */
  saved(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const user = this.#users.get(userId);
      if (user?.hasList === false) this.#users.set(userId, { ...user, hasList: true });
    }
  }

  /** A user's saved list is unusable, so the user must be queried. */
  unlisted(userId: UserId, revision: Revision): void {
    const user = this.#users.get(userId);
    if (user?.revision === revision) this.#users.set(userId, { ...user, outdated: true });
  }

  /** While a long step is applied in parts, the set is emitted only once, at the end, since each emission copies it. */
  holdSet(isHeld: boolean): void {
    this.#isSetHeld = isHeld;
    if (!isHeld && this.#isSetStale) this.#setChanges$.next();
  }

  changed({ invalidated, left, usersChanged }: Effects): void {
    if (usersChanged) {
      this.#isSetStale = true;
      if (!this.#isSetHeld) this.#setChanges$.next();
    }
    if (invalidated.length + left.length > 0) this.#invalidations$.next({ invalidated, left });
  }

  /** Takes effect for lookups at once; the caller emits it with {@link doubtChanged}. */
  setDoubt(inDoubt: boolean): void {
    this.#inDoubt = inDoubt;
  }

  doubtChanged(): void {
    this.#doubtChanges$.next();
  }

  #currentSet(): ReadonlySet<UserId> {
    if (this.#set !== undefined && !this.#isSetStale) return this.#set;
    this.#isSetStale = false;
    const set: ReadonlySet<UserId> = new Set(this.#users.keys());
    const isSame = this.#set?.size === set.size && Array.from(set).every((userId) => this.#set?.has(userId) === true);
    if (!isSame) this.#set = set;
    return this.#set ?? set;
  }
}
