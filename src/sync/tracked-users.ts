import { distinctUntilChanged, map, merge, of, scan, Subject, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { SavedUser } from "../store/commit.js";
import { Revision } from "../store/revision.js";
import { OWN_USER } from "../lists/save-lists.js";
import type { Emissions } from "../tracker/emission-queue.js";
import {
  initialTracking,
  reduceTracking,
  type Effects,
  type TrackedUser,
  type Tracking,
  type TrackingEvent,
} from "./tracking.js";

/** Users whose cached list is no longer to be used, and users who are no longer tracked. */
export interface Invalidations extends Pick<Effects, "invalidated" | "left"> {
  /** Whether the sync stream said so, or may have hidden it, here or in another tab; not the application, nor a save that was refused. */
  readonly announced: boolean;
}

/** What happens at an invalidation, apart from telling subscribers of it. */
export interface InvalidationHooks {
  /** At once: no query in flight may outlive it unmarked. */
  readonly supersede: (invalidations: Invalidations) => void;
  /** Before subscribers are told: what may go on, now that it is marked. */
  readonly sendWaiting: () => void;
}

/**
 * The tracked-users state as it stands, and what it tells others when it changes.
 *
 * Events are applied at once, also one that comes from inside an emission of an earlier one; only the emissions wait for their turn. Whoever is told of a change
 * therefore finds it in the state, and everyone is told of all changes in the same order.
 */
export class TrackedUsers {
  readonly #ownUserId: UserId;
  readonly #events$ = new Subject<TrackingEvent>();
  readonly #invalidations$ = new Subject<Invalidations>();
  readonly #setChanges$ = new Subject<void>();
  readonly #trusted$ = new Subject<void>();
  readonly #emissions: Emissions;
  readonly #hooks: InvalidationHooks;
  #state: Tracking;
  #snapshot: ReadonlySet<UserId> | undefined;
  #inDoubt: readonly UserId[] | undefined;

  constructor(ownUserId: UserId, emissions: Emissions, hooks: InvalidationHooks) {
    this.#ownUserId = ownUserId;
    this.#emissions = emissions;
    this.#hooks = hooks;
    this.#state = initialTracking(ownUserId, new Revision(OWN_USER.revision));
    this.#events$.pipe(scan(reduceTracking, this.#state)).subscribe((state) => {
      this.#state = state;
    });
  }

  /** In the order in which they happen, after the state reflects them. */
  get invalidations$(): Observable<Invalidations> {
    return this.#invalidations$;
  }

  /** The set of tracked users now, and again whenever it changes. A set is copied only while somebody subscribes. */
  get set$(): Observable<ReadonlySet<UserId>> {
    // The changes first: one that comes from inside the emission of the set as it is must not be missed.
    return merge(this.#setChanges$, of(undefined)).pipe(
      map(() => (this.#snapshot ??= new Set(this.#state.users.keys()))),
      distinctUntilChanged(),
    );
  }

  get token(): string | undefined {
    return this.#state.token;
  }

  get users(): ReadonlyMap<UserId, TrackedUser> {
    return this.#state.users;
  }

  get(userId: UserId): TrackedUser | undefined {
    return this.#state.users.get(userId);
  }

  /** Whether steps are known to be missing, so that nothing in memory is to be called current. */
  get inDoubt(): boolean {
    return this.#inDoubt !== undefined;
  }

  /** Emits when nothing is in doubt any more: what was not called current for that alone is so now. */
  get trusted$(): Observable<void> {
    return this.#trusted$;
  }

  /** @param asked users whose queries in flight are superseded by the doubt; they count as invalidated when it is over, whatever the missing steps say of them */
  doubt(asked: readonly UserId[]): void {
    this.#inDoubt = asked;
  }

  trust(): void {
    const asked = this.#inDoubt ?? [];
    this.#inDoubt = undefined;
    this.#emissions.push(() => {
      this.#trusted$.next();
      const invalidated = asked.filter((userId) => this.get(userId) !== undefined);
      if (invalidated.length > 0) this.#invalidations$.next({ invalidated, left: [], announced: false });
    });
  }

  loaded(token: string | undefined, users: ReadonlyMap<UserId, TrackedUser>): void {
    this.#dispatch({ type: "loaded", token, users }, false);
  }

  reloaded(token: string | undefined, users: ReadonlyMap<UserId, TrackedUser>): void {
    this.#dispatch({ type: "reloaded", token, users }, true);
  }

  /** @param alsoInvalidated users who count as invalidated although no list of theirs was cached */
  step(step: Omit<TrackingEvent & { type: "step" }, "type">, alsoInvalidated: Iterable<UserId>): void {
    this.#dispatch({ type: "step", ...step }, true, alsoInvalidated);
  }

  /** Those of the users who were not tracked become tracked and outdated; the others stay as they are. */
  track(users: readonly UserId[], revision: Revision): void {
    this.#dispatch({ type: "track", users, revision }, false);
  }

  listed(users: ReadonlyMap<UserId, { readonly revision: Revision }>): void {
    this.#dispatch({ type: "listed", users }, false);
  }

  /** Takes over what the store says of users who are still at the revision `from`. Where that is the same revision, queries sent at it stay good. */
  adopt(users: ReadonlyMap<UserId, { readonly from: Revision; readonly saved: SavedUser | undefined }>): void {
    const adopted = new Map<UserId, { from: Revision; to: TrackedUser | undefined }>();
    for (const [userId, { from, saved }] of users) {
      const known = saved ?? (userId === this.#ownUserId ? { revision: OWN_USER.revision, outdated: true } : undefined);
      const to = known && {
        revision: known.revision === from.committed ? from : new Revision(known.revision),
        outdated: known.outdated,
      };
      adopted.set(userId, { from, to });
    }
    this.#dispatch({ type: "adopt", users: adopted }, false);
  }

  #dispatch(event: TrackingEvent, announced: boolean, alsoInvalidated: Iterable<UserId> = []): void {
    this.#events$.next(event);
    const { last } = this.#state;
    const invalidated = [...new Set([...last.invalidated, ...alsoInvalidated])];
    const { left } = last;
    if (last.usersChanged) this.#snapshot = undefined;
    const invalidations = invalidated.length > 0 || left.length > 0 ? { invalidated, left, announced } : undefined;
    if (invalidations !== undefined) this.#hooks.supersede(invalidations);
    this.#emissions.push(() => {
      if (last.usersChanged) this.#setChanges$.next();
      if (invalidations === undefined) return;
      this.#hooks.sendWaiting();
      this.#invalidations$.next(invalidations);
    });
  }
}
