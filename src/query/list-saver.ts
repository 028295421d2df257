import { catchError, defer, ignoreElements, map, of, tap, timeout, type Observable, type SchedulerLike } from "rxjs";
import type { DeviceList } from "../keys/device-list.js";
import { identityStatus, ownUserSigningKey } from "../keys/identity.js";
import { applyPins, mergePins, NO_PINS, pinsOf, readPins, type Pins } from "../keys/pins.js";
import { IdentityChangedError, StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceUpdate } from "../model/updates.js";
import { acknowledge, acknowledgeKeys } from "../store/acknowledge.js";
import type { DeviceStore } from "../store/device-store.js";
import { OWN_IDENTITY, OWNER, pinsKey, readOwnIdentity } from "../store/records.js";
import type { SavedUser } from "../store/commit.js";
import type { Revision } from "../store/revision.js";
import type { SavedRecords } from "../store/saved-records.js";
import { saveKeys, saveLists, type ListToSave, type SavedList } from "../store/save-lists.js";
import type { WriteQueue } from "../store/write-queue.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import type { CachedList } from "./list-cache.js";
import type { ListMemory } from "./list-memory.js";

/** How long a store that takes no writes is waited for to say what was pinned, in ms: a lookup waits for it. */
const PINS_PATIENCE = 1_000;

const NO_SAVED_PINS: ReadonlyMap<UserId, Pins> = new Map();

/** What the saving of lists needs of its surroundings. */
export interface ListSaverPorts {
  readonly ownUserId: UserId;
  readonly memory: ListMemory;
  readonly tracked: TrackedUsers;
  readonly writes: WriteQueue;
  readonly store: DeviceStore;
  readonly scheduler: SchedulerLike;
  /** Is told what a list that was saved changed. */
  readonly updated: (update: DeviceUpdate) => void;
  readonly report: (problem: TrackerProblem) => void;
}

/** Puts verified lists into the store and into memory. */
export class ListSaver {
  readonly #ownUserId: UserId;
  readonly #memory: ListMemory;
  readonly #tracked: TrackedUsers;
  readonly #writes: WriteQueue;
  readonly #store: DeviceStore;
  readonly #scheduler: SchedulerLike;
  readonly #updated: (update: DeviceUpdate) => void;
  readonly #report: (problem: TrackerProblem) => void;
  /** What was pinned while the store failed: written with the next list of its user. */
  readonly #unsavedPins = new Map<UserId, Pins>();
  /** The master key of ours of which it was last told that it is another one. */
  #ownChangeTold: string | undefined;

  constructor({ ownUserId, memory, tracked, writes, store, scheduler, updated, report }: ListSaverPorts) {
    this.#ownUserId = ownUserId;
    this.#memory = memory;
    this.#tracked = tracked;
    this.#writes = writes;
    this.#store = store;
    this.#scheduler = scheduler;
    this.#updated = updated;
    this.#report = report;
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
    const known = new Map(Array.from(lists, ([userId, one]) => [userId, { ...one, known: this.#memory.last(userId)?.list }]));
    // As of the transaction: a save that is before it in the queue may fail yet, and leave what it pins to this one.
    const toSave = () => new Map(Array.from(lists, ([userId, one]) => [userId, { ...one, pinned: this.#unsavedPins.get(userId) }]));
    return this.#writes
      .write({
        keys: saveKeys(known),
        apply: (records) => ({ saved: saveLists(records, toSave(), this.#ownUserId), ourKey: readOwnIdentity(records.get(OWN_IDENTITY)) }),
        whenStoreFails: "fail",
      })
      .pipe(
        map(({ saved: outcomes, ourKey }) => {
          if (ourKey === undefined) this.#memory.setOurKey(undefined); // another tab may have found that our identity has changed
          for (const userId of lists.keys()) this.#unsavedPins.delete(userId);
          return { outcomes, cleared: false, blind: new Set<UserId>() };
        }),
        catchError((error: unknown) => {
          const cleared = error instanceof StoreClearedError;
          const userIds = [...lists.keys()];
          if (!cleared) {
            this.#report({ type: "save-failed", userIds, error, message: `the device lists of ${userIds.length} user(s) could not be saved; memory keeps them until the page is closed` });
          }
          this.#keep(lists, NO_SAVED_PINS); // what comes next must find what memory has pinned
          return (cleared ? of(NO_SAVED_PINS) : this.#savedPins(userIds)).pipe(
            map((saved) => {
              // What was first seen of these is not to be learned at present: their lists go to who asked, marked, and are not kept.
              const blind = new Set(saved === undefined ? userIds.filter((userId) => this.#memory.last(userId) === undefined) : []);
              return { outcomes: this.#keep(lists, saved ?? NO_SAVED_PINS), cleared, blind };
            }),
          );
        }),
        map(({ outcomes, cleared, blind }) => {
          if (!cleared) this.#take(lists, new Map(Array.from(outcomes).filter(([userId]) => !blind.has(userId))));
          return new Map(Array.from(outcomes, ([userId, { list, refused }]) => [userId, { list, refused: cleared || blind.has(userId) || refused !== undefined }]));
        }),
      );
  }

  /** What was first seen of these users: a store that takes no writes, on a full disk say, can often be read. `undefined` where it cannot be. */
  #savedPins(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, Pins> | undefined> {
    return this.#store.read([OWNER, ...userIds.map(pinsKey)]).pipe(
      map(([owner, ...saved]) => {
        if (!this.#writes.checkOwner(owner)) return NO_SAVED_PINS;
        return new Map(userIds.map((userId, i) => [userId, readPins(saved[i]) ?? NO_PINS]));
      }),
      timeout({ first: PINS_PATIENCE, scheduler: this.#scheduler }),
      catchError(() => of(undefined)),
    );
  }

  /** What the store decides where it works, decided by what memory has and what was pinned. */
  #keep(lists: ReadonlyMap<UserId, ListToSave>, saved: ReadonlyMap<UserId, Pins>): ReadonlyMap<UserId, SavedList> {
    const kept = new Map<UserId, SavedList>();
    for (const [userId, { list: verified, refusesUnsigned }] of lists) {
      const before = this.#memory.last(userId)?.list;
      const { list, pins } = applyPins(verified, mergePins(saved.get(userId) ?? NO_PINS, mergePins(this.#unsavedPins.get(userId) ?? NO_PINS, pinsOf(before))), before, refusesUnsigned);
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
      if (userId === this.#ownUserId) this.#lookAtOwn(list);
      if (revision === undefined) continue;
      if (refused !== undefined) adopted.set(userId, { from: revision, saved: refused.saved });
      else listed.set(userId, this.#memory.keep(userId, list, revision));
    }
    if (damaged.length > 0) {
      this.#report({ type: "records-damaged", kind: "pins", ids: damaged, message: `what was first seen of ${damaged.length} user(s) cannot be read; the keys of their saved lists stand in for it` });
    }
    if (adopted.size > 0) this.#tracked.adopt(adopted);
    this.#memory.listed(listed);
    for (const { update } of outcomes.values()) if (update !== undefined) this.#updated(update);
  }

  /** Our own identity changing is told at once, saved or not: once for each master key that comes. */
  #lookAtOwn({ identity }: DeviceList): void {
    const { state, masterKey, pinnedMasterKey } = identityStatus(identity, undefined);
    if (state !== "changed" || masterKey === undefined || pinnedMasterKey === undefined || masterKey === this.#ownChangeTold) return;
    this.#ownChangeTold = masterKey;
    const message = `the server says that our own master key is ${masterKey}, and it was ${pinnedMasterKey}: acknowledge it only if it was us who reset our identity`;
    this.#report({ type: "own-identity-changed", masterKey, pinnedMasterKey, message });
  }

  /** Pins a master key in the place of the first one of this user, and completes when that is durable. */
  acknowledge(userId: UserId, masterKey: string): Observable<never> {
    const apply = (records: SavedRecords) => acknowledge(records, { userId, masterKey, ownUserId: this.#ownUserId, inMemory: this.#memory.last(userId)?.list });
    return defer(() => this.#writes.write({ keys: acknowledgeKeys(userId), apply, whenStoreFails: "fail" })).pipe(
      tap((acknowledged) => {
        if ("masterKey" in acknowledged) throw new IdentityChangedError(userId, masterKey, acknowledged.masterKey);
        const { list } = acknowledged;
        const cached = this.#memory.last(userId);
        if (userId === this.#ownUserId && list !== undefined) this.#memory.setOurKey(ownUserSigningKey(list)); // our list need not be in memory
        if (cached?.list.identity.masterKey !== masterKey) return;
        const pinned: DeviceList = { ...cached.list, identity: { ...cached.list.identity, pinnedMasterKey: masterKey } };
        this.#memory.replace(userId, pinned, cached.revision);
      }),
      ignoreElements(),
    );
  }
}
