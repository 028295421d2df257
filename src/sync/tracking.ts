import { distinctUntilChanged, map, merge, of, Subject, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";
import type { Effects, TrackedUser } from "../store/tracked-users.js";

/** Users whose cached list is not to be used any more, and users who are no longer tracked. */
export interface Invalidations {
  readonly invalidated: readonly UserId[];
  readonly left: readonly UserId[];
}

/**
 * The tracked users as lookups see them, and what they emit.
 *
 * It reflects every change before anything is emitted for it: the owner of the state calls {@link changed} once memory,
 * queries and lists know.
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

  /** Whether steps may be missing, so that nothing in memory is to be called current. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** Emits when {@link inDoubt} is another value. */
  get doubtChanges$(): Observable<void> {
    return this.#doubtChanges$;
  }

  /**
   * The set of tracked users now, and again whenever it is another one. It is copied only while there is a subscriber.
   */
  get set$(): Observable<ReadonlySet<UserId>> {
    // Changes first: one that is made from inside the first emission must not be missed.
    return merge(this.#setChanges$, of(undefined)).pipe(
      map(() => this.#currentSet()),
      distinctUntilChanged(),
    );
  }

  get(userId: UserId): TrackedUser | undefined {
    return this.#users.get(userId);
  }

  /** The lists that answer these revisions are cached. */
  listed(lists: ReadonlyMap<UserId, { readonly revision: Revision }>): void {
    for (const [userId, { revision }] of lists) {
      if (this.#users.get(userId)?.revision === revision)
        this.#users.set(userId, { revision, outdated: false, hasList: true });
    }
  }

  /** Lists of these users are saved, perhaps for an older revision than theirs. */
  saved(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const user = this.#users.get(userId);
      if (user?.hasList === false) this.#users.set(userId, { ...user, hasList: true });
    }
  }

  /** The saved list of a user turned out to be unusable: they are to be queried. */
  unlisted(userId: UserId, revision: Revision): void {
    const user = this.#users.get(userId);
    if (user?.revision === revision) this.#users.set(userId, { ...user, outdated: true });
  }

  /** While a long step is applied in parts, the set is emitted once, at the end: each time, it is copied. */
  holdSet(isHeld: boolean): void {
    this.#isSetHeld = isHeld;
    if (!isHeld && this.#isSetStale) this.#setChanges$.next();
  }

  /** Emits what a change did. */
  changed({ invalidated, left, usersChanged }: Effects): void {
    if (usersChanged) {
      this.#isSetStale = true;
      if (!this.#isSetHeld) this.#setChanges$.next();
    }
    if (invalidated.length + left.length > 0) this.#invalidations$.next({ invalidated, left });
  }

  /** Lookups see it at once; the caller emits it with {@link doubtChanged}. */
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
