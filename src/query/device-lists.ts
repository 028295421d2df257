import { catchError, defer, ignoreElements, map, of, Subject, switchMap, tap, timeout, type Observable, type SchedulerLike } from "rxjs";
import type { KeyAlgorithm } from "../keys/device-key.js";
import type { DeviceList } from "../keys/device-list.js";
import { ownUserSigningKey } from "../keys/identity.js";
import { applyPins, mergePins, NO_PINS, pinsOf, type Pins } from "../keys/pins.js";
import { IdentityChangedError, StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceUpdate } from "../model/updates.js";
import { acknowledge, acknowledgeKeys } from "../store/acknowledge.js";
import { readClaims, type Claimant } from "../store/claims.js";
import { savedUser, type SavedUser } from "../store/commit.js";
import type { DeviceStore } from "../store/device-store.js";
import { readListRecord, type ListRecord } from "../store/list-record.js";
import { claimsKey, EPOCH, listKey, OWNER, readEpoch, stateKey } from "../store/records.js";
import { Revision } from "../store/revision.js";
import { saveKeys, saveLists, type ListToSave, type SavedList } from "../store/save-lists.js";
import type { WriteQueue } from "../store/write-queue.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { CachedList, ListCache } from "./list-cache.js";

/**
 * How long the store is waited for to say whether another tab has fetched a list, in ms, before the server is asked: one that takes longer spares nothing.
 */
const FIND_PATIENCE = 1_000;

const NONE: ReadonlyMap<UserId, CachedList> = new Map();

/** The last list we had of a user. */
export interface KnownList {
  readonly list: DeviceList;
  /** Whether it is as new as the change of this revision. */
  readonly answers: (revision: Revision) => boolean;
}

/** The device lists that we have: in memory the ones used last, in the store all that were saved. */
export class DeviceLists {
  readonly #ownUserId: UserId;
  readonly #store: DeviceStore;
  readonly #writes: WriteQueue;
  readonly #tracked: TrackedUsers;
  readonly #cache: ListCache;
  readonly #cached$ = new Subject<ReadonlyMap<UserId, CachedList>>();
  readonly #ourKeyChanges$ = new Subject<void>();
  /** What was pinned while the store failed: written with the next list of its user. */
  readonly #unsavedPins = new Map<UserId, Pins>();
  readonly #updated: (update: DeviceUpdate) => void;
  readonly #scheduler: SchedulerLike;
  readonly #report: (problem: TrackerProblem) => void;
  #ourKey: string | undefined;

  constructor(options: {
    readonly ownUserId: UserId;
    readonly store: DeviceStore;
    readonly writes: WriteQueue;
    readonly tracked: TrackedUsers;
    readonly maxListsInMemory: number;
    readonly scheduler: SchedulerLike;
    /** Our own user-signing key, by what is saved. */
    readonly ourKey: string | undefined;
    /** Is told what a list that was saved changed. */
    readonly updated: (update: DeviceUpdate) => void;
    readonly report: (problem: TrackerProblem) => void;
  }) {
    this.#ownUserId = options.ownUserId;
    this.#store = options.store;
    this.#writes = options.writes;
    this.#tracked = options.tracked;
    this.#cache = new ListCache(options.maxListsInMemory);
    this.#scheduler = options.scheduler;
    this.#ourKey = options.ourKey;
    this.#updated = options.updated;
    this.#report = options.report;
  }

  /** Lists that have just been fetched and cached, by whomever they were asked for. */
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

  /** The list in memory that answers this very revision, if there is one. */
  cached(userId: UserId, revision: Revision): CachedList | undefined {
    const cached = this.#cache.get(userId);
    return cached?.revision === revision ? cached : undefined;
  }

  /** The last list of a user that memory has, however old. */
  inMemory(userId: UserId): DeviceList | undefined {
    return this.#cache.get(userId)?.list;
  }

  /** Saved lists that answer these revisions or later ones, in one read; users without one are absent, and so is everyone where the store fails. */
  read(wanted: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, CachedList>> {
    return this.#readRecords([...wanted.keys()]).pipe(
      map((records) => {
        const found = new Map<UserId, CachedList>();
        for (const [userId, revision] of wanted) {
          const record = records.get(userId);
          // A greater revision is another tab's: a change that this tracker has not been given, and the list that was fetched after it.
          if (record === undefined || revision.committed === undefined || record.revision < revision.committed) continue;
          // A change may have come while it was being read, and its list been fetched and saved: then this is that list.
          const now = this.#tracked.get(userId)?.revision;
          const isAsNew = now?.committed !== undefined && record.revision >= now.committed;
          const answered = isAsNew ? now : revision;
          found.set(userId, now === answered ? this.#cacheList(userId, record.list, answered) : new CachedList(record.list, answered));
        }
        return found;
      }),
    );
  }

  /**
   * Lists that another tab has fetched since these changes, of users who are outdated here; from now on they are cached here, too. Whoever changes meanwhile is absent, and so is
   * everyone where the store fails, or takes longer than {@link FIND_PATIENCE} to say whether there are any.
   */
  find(outdated: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, CachedList>> {
    if (this.#writes.failing) return of(NONE);
    return this.#fetchedElsewhere(outdated).pipe(
      timeout({ first: FIND_PATIENCE, scheduler: this.#scheduler, with: () => of<ReadonlyMap<UserId, Revision>>(new Map()) }),
      switchMap((fetched) => (fetched.size === 0 ? of(NONE) : this.read(fetched))),
      map((saved) => {
        const found = new Map<UserId, CachedList>();
        for (const [userId, cached] of saved) if (this.#tracked.get(userId)?.revision === cached.revision) found.set(userId, cached);
        if (found.size > 0) {
          this.#tracked.listed(found);
          this.#cached$.next(found);
        }
        return found;
      }),
    );
  }

  /** The last lists we had, however old, at most one read; users never fetched are absent. */
  lastKnown(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, KnownList>> {
    const known = new Map<UserId, KnownList>();
    const missing: UserId[] = [];
    for (const userId of userIds) {
      const user = this.#tracked.get(userId);
      const cached = this.#cache.get(userId);
      // Another tab may have fetched a newer one than the one in memory; then memory's is not outdated, but of another revision.
      if (cached !== undefined && (user === undefined || user.outdated || user.revision === cached.revision)) {
        known.set(userId, { list: cached.list, answers: (revision) => revision === cached.revision });
      } else if (user !== undefined) missing.push(userId);
    }
    if (missing.length === 0) return of(known);
    return this.#readRecords(missing).pipe(
      map((records) => {
        for (const [userId, { list, revision: saved }] of records) {
          known.set(userId, { list, answers: ({ committed }) => committed !== undefined && saved >= committed });
        }
        return known;
      }),
    );
  }

  /**
   * Caches lists, and saves them where no change has been applied since their queries were sent, in this tab or another; holds them against what was first seen of their users.
   *
   * The write is queued at once, subscribed to or not. Emits everybody's list once it is decided; a store that fails refuses nobody: memory keeps the lists and what they
   * pin, and the failure is reported.
   */
  save(lists: ReadonlyMap<UserId, ListToSave>): Observable<ReadonlyMap<UserId, { readonly list: DeviceList; readonly refused: boolean }>> {
    if (!Array.from(lists.values()).some(({ list, revision }) => revision !== undefined || list.deviceKeys.size > 0 || list.masterKey !== undefined)) {
      return of(new Map(Array.from(lists, ([userId, { list }]) => [userId, { list, refused: false }]))); // nothing to save, to pin or to compare
    }
    const toSave = new Map(Array.from(lists, ([userId, one]) => [userId, { ...one, known: this.inMemory(userId), pinned: this.#unsavedPins.get(userId) }]));
    return this.#writes
      .write({ keys: saveKeys(toSave), apply: (records) => saveLists(records, toSave, this.#ownUserId), whenStoreFails: "fail" })
      .pipe(
        map((outcomes) => {
          for (const userId of lists.keys()) this.#unsavedPins.delete(userId);
          return { outcomes, cleared: false };
        }),
        catchError((error: unknown) => {
          const cleared = error instanceof StoreClearedError;
          const userIds = [...lists.keys()];
          if (!cleared) {
            this.#report({ type: "save-failed", userIds, error, message: `the device lists of ${userIds.length} user(s) could not be saved; memory keeps them until the page is closed` });
          }
          return of({ outcomes: this.#keep(lists), cleared });
        }),
        map(({ outcomes, cleared }) => {
          if (!cleared) this.#take(lists, outcomes);
          return new Map(Array.from(outcomes, ([userId, { list, refused }]) => [userId, { list, refused: cleared || refused !== undefined }]));
        }),
      );
  }

  /** What the store decides where it works, decided by what memory has. */
  #keep(lists: ReadonlyMap<UserId, ListToSave>): ReadonlyMap<UserId, SavedList> {
    const kept = new Map<UserId, SavedList>();
    for (const [userId, { list: verified }] of lists) {
      const before = this.inMemory(userId);
      const { list, pins } = applyPins(verified, mergePins(pinsOf(before), this.#unsavedPins.get(userId) ?? NO_PINS), before);
      this.#unsavedPins.set(userId, pins);
      kept.set(userId, { list, pins, pinsDamaged: false });
    }
    return kept;
  }

  /** Memory follows what was decided, and whoever is concerned is told. */
  #take(lists: ReadonlyMap<UserId, ListToSave>, outcomes: ReadonlyMap<UserId, SavedList>): void {
    const listed = new Map<UserId, CachedList>();
    const adopted = new Map<UserId, { from: Revision; saved: SavedUser | undefined }>();
    const damaged: UserId[] = [];
    for (const [userId, { list, refused, pinsDamaged }] of outcomes) {
      if (pinsDamaged) damaged.push(userId);
      const revision = lists.get(userId)?.revision;
      if (revision === undefined) continue;
      if (refused !== undefined) adopted.set(userId, { from: revision, saved: refused.saved });
      else listed.set(userId, this.#cacheList(userId, list, revision));
    }
    if (damaged.length > 0) {
      this.#report({ type: "records-damaged", kind: "pins", ids: damaged, message: `what was first seen of ${damaged.length} user(s) cannot be read; the keys of their saved lists stand in for it` });
    }
    if (adopted.size > 0) this.#tracked.adopt(adopted);
    if (listed.size > 0) {
      this.#tracked.listed(listed);
      this.#cached$.next(listed);
    }
    for (const { update } of outcomes.values()) if (update !== undefined) this.#updated(update);
  }

  /** Pins a master key in the place of the first one of this user, and completes when that is durable. */
  acknowledge(userId: UserId, masterKey: string): Observable<never> {
    return defer(() => this.#writes.write({ keys: acknowledgeKeys(userId), apply: (records) => acknowledge(records, userId, masterKey, this.#ownUserId), whenStoreFails: "fail" })).pipe(
      tap((acknowledged) => {
        if ("masterKey" in acknowledged) throw new IdentityChangedError(userId, masterKey, acknowledged.masterKey);
        const { list } = acknowledged;
        const cached = this.#cache.get(userId);
        if (list === undefined || cached?.list.identity.masterKey !== masterKey) return;
        const pinned: DeviceList = { ...cached.list, identity: { ...cached.list.identity, pinnedMasterKey: masterKey } };
        this.#cached$.next(new Map([[userId, this.#cacheList(userId, pinned, cached.revision)]]));
      }),
      ignoreElements(),
    );
  }

  /** Every device in the saved lists that has this public key. */
  claimants(algorithm: KeyAlgorithm, publicKey: string): Observable<readonly Claimant[]> {
    return this.#store.read([OWNER, claimsKey(algorithm, publicKey)]).pipe(
      map(([owner, claims]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError();
        return readClaims(claims);
      }),
    );
  }

  #cacheList(userId: UserId, list: DeviceList, revision: Revision): CachedList {
    const cached = new CachedList(list, revision);
    if (this.#tracked.get(userId) !== undefined) this.#cache.set(userId, cached);
    if (userId === this.#ownUserId) this.setOurKey(ownUserSigningKey(list));
    return cached;
  }

  /** Our own user-signing key is this one: by our own list, or by what the store says of it. */
  setOurKey(ourKey: string | undefined): void {
    if (ourKey === this.#ourKey) return;
    this.#ourKey = ourKey;
    this.#ourKeyChanges$.next();
  }

  forget(userIds: Iterable<UserId>): void {
    for (const userId of userIds) this.#cache.delete(userId);
  }

  /** Those of the users who are not outdated by what the store says: it has a list that answers this change or a later one. */
  #fetchedElsewhere(outdated: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, Revision>> {
    return this.#store.read([OWNER, EPOCH, ...Array.from(outdated.keys(), stateKey)]).pipe(
      map(([owner, savedEpoch, ...states]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError();
        const epoch = savedEpoch === undefined ? 0 : readEpoch(savedEpoch);
        const entries = Array.from(outdated).filter(([, { committed }], i) => {
          const saved = savedUser(states[i], epoch);
          return saved !== undefined && !saved.outdated && committed !== undefined && saved.revision >= committed;
        });
        return new Map(entries);
      }),
      catchError((error: unknown) => {
        if (error instanceof StoreClearedError) throw error;
        return of(new Map<UserId, Revision>()); // it was only to spare the server a question
      }),
    );
  }

  #readRecords(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, ListRecord>> {
    return this.#store.read([OWNER, ...userIds.map(listKey)]).pipe(
      map(([owner, ...saved]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError(); // by now these may be another account's lists
        const records = new Map<UserId, ListRecord>();
        const damaged: UserId[] = [];
        userIds.forEach((userId, i) => {
          const record = readListRecord(saved[i], userId);
          if (record !== undefined) records.set(userId, record);
          else if (saved[i] !== undefined) damaged.push(userId);
        });
        if (damaged.length > 0) {
          this.#report({ type: "records-damaged", kind: "list", ids: damaged, message: `the saved lists of ${damaged.length} user(s) cannot be trusted; the server is asked for them` });
        }
        return records;
      }),
      catchError((error: unknown) => {
        if (error instanceof StoreClearedError) throw error;
        this.#report({ type: "read-failed", userIds, error, message: `the saved lists of ${userIds.length} user(s) could not be read; where they are needed the server is asked` });
        return of(new Map<UserId, ListRecord>());
      }),
    );
  }
}
