import {
  catchError,
  defer,
  forkJoin,
  ignoreElements,
  map,
  of,
  tap,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { emptyList, sameDeviceList, type DeviceList } from "../trust/device-list.js";
import { deviceUpdate } from "./device-update.js";
import { identityStatus, ownUserSigningKey } from "../trust/identity.js";
import { applyPins } from "../trust/apply-pins.js";
import { mergePins, NO_PINS, pinsOf, readPins, type Pins } from "../trust/pins.js";
import { IdentityChangedError, StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceUpdate } from "../model/updates.js";
import { acknowledge, acknowledgeKeys } from "./acknowledge.js";
import type { DeviceStore, RecordKey } from "../store/device-store.js";
import { OWN_IDENTITY, OWNER, pinsKey, readOwnIdentity } from "../store/records.js";
import type { SavedUser } from "../store/commit.js";
import type { Revision } from "../store/revision.js";
import type { SavedRecords } from "../store/saved-records.js";
import { saveKeys, saveLists, type ListToSave, type SavedList } from "./save-lists.js";
import { MAX_RECORDS_PER_TRANSACTION, type WriteQueue } from "../store/write-queue.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import type { CachedList } from "./list-cache.js";
import type { ListMemory } from "./list-memory.js";

/** How long a store that takes no writes is waited for to say what was pinned, in ms: a lookup waits for it. */
const PINS_PATIENCE = 1_000;

const NO_SAVED_PINS: ReadonlyMap<UserId, Pins> = new Map();
const NOBODY: ReadonlySet<UserId> = new Set();

/** One user's list as it may be used, and whether it is not to be called current. */
interface DecidedList {
  readonly list: DeviceList;
  readonly refused: boolean;
}

/** What became of lists, wherever it was decided. */
interface Decided {
  readonly outcomes: ReadonlyMap<UserId, SavedList>;
  readonly cleared: boolean;
  /** Whose lists go to who asked, marked, and are not kept. */
  readonly passing: ReadonlySet<UserId>;
  /** Where the store took the lists: what it says of our own identity. */
  readonly ours?: { readonly userSigningKey: string | undefined };
}

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
   * The writes are queued at once, subscribed to or not: more than one where lists are so long that one transaction would not be done within its deadline, and some users' devices
   * would keep others' lists from being saved. Emits everybody's list once all are decided; a store that fails refuses nobody: memory keeps the lists and what they
   * pin, and the failure is reported.
   */
  save(lists: ReadonlyMap<UserId, ListToSave>): Observable<ReadonlyMap<UserId, DecidedList>> {
    if (
      !Array.from(lists.values()).some(
        ({ list, revision }) => revision !== undefined || list.deviceKeys.size > 0 || list.masterKey !== undefined,
      )
    ) {
      return of(new Map(Array.from(lists, ([userId, { list }]) => [userId, { list, refused: false }]))); // nothing to save, to pin or to compare
    }
    const parts: { readonly lists: Map<UserId, ListToSave>; readonly keys: RecordKey[] }[] = [];
    for (const [userId, one] of lists) {
      const keys = saveKeys(new Map([[userId, { ...one, known: this.#memory.last(userId)?.list }]]));
      const part = parts.at(-1);
      if (part === undefined || part.keys.length + keys.length > MAX_RECORDS_PER_TRANSACTION)
        parts.push({ lists: new Map([[userId, one]]), keys });
      else {
        part.lists.set(userId, one);
        for (const key of keys) part.keys.push(key);
      }
    }
    return forkJoin(parts.map((part) => this.#savePart(part.lists, part.keys))).pipe(
      map((saved) => new Map(saved.flatMap((part) => [...part]))),
    );
  }

  #savePart(
    lists: ReadonlyMap<UserId, ListToSave>,
    keys: readonly RecordKey[],
  ): Observable<ReadonlyMap<UserId, DecidedList>> {
    // As of the transaction: a save that is before it in the queue may fail yet, and leave what it pins to this one.
    const toSave = () =>
      new Map(Array.from(lists, ([userId, one]) => [userId, { ...one, pinned: this.#unsavedPins.get(userId) }]));
    let tried: ReadonlyMap<UserId, SavedList> | undefined;
    return this.#writes
      .write({
        keys,
        apply: (records) => {
          tried = saveLists(records, toSave(), this.#ownUserId);
          return { saved: tried, ourKey: readOwnIdentity(records.get(OWN_IDENTITY)) };
        },
        whenStoreFails: "fail",
      })
      .pipe(
        map(({ saved: outcomes, ourKey }): Decided => {
          for (const userId of lists.keys()) this.#unsavedPins.delete(userId);
          return { outcomes, cleared: false, passing: NOBODY, ours: { userSigningKey: ourKey?.userSigningKey } };
        }),
        catchError((error: unknown) => {
          const cleared = error instanceof StoreClearedError;
          const userIds = [...lists.keys()];
          if (!cleared) {
            this.#report({
              type: "save-failed",
              userIds,
              error,
              message: `the device lists of ${userIds.length} user(s) could not be saved; memory keeps them until the page is closed`,
            });
          }
          this.#keep(lists, NO_SAVED_PINS, tried); // what comes next must find what memory has pinned
          return (cleared ? of(NO_SAVED_PINS) : this.#savedPins(userIds)).pipe(
            map((saved): Decided => {
              const passing = new Set(
                Array.from(lists).flatMap(([userId, one]) =>
                  (saved.has(userId) || this.#knows(userId, one.list)) && this.#answers(userId, one) ? [] : [userId],
                ),
              );
              return { outcomes: this.#keep(lists, saved, tried), cleared, passing };
            }),
          );
        }),
        map((decided) => {
          if (!decided.cleared) this.#take(lists, decided);
          const { outcomes, cleared, passing } = decided;
          return new Map(
            Array.from(outcomes, ([userId, { list, refused }]) => [
              userId,
              { list, refused: cleared || passing.has(userId) || refused !== undefined },
            ]),
          );
        }),
      );
  }

  /** Whether memory has what was first seen of everything in this list: where it has not, and the store cannot be read, a key may be another one than before. */
  #knows(userId: UserId, { deviceKeys, identity }: DeviceList): boolean {
    const last = this.#memory.last(userId);
    if (last === undefined) return false;
    const { list: known, beside } = last;
    if (beside.pins !== undefined) return true;
    return (
      (identity.masterKey === undefined || known.identity.pinnedMasterKey !== undefined) &&
      Array.from(deviceKeys.keys()).every((deviceId) => known.deviceKeys.has(deviceId))
    );
  }

  /** Whether no change has come while the store was waited for: what memory has by now may be newer than the list. */
  #answers(userId: UserId, { revision }: ListToSave): boolean {
    return revision === undefined || this.#tracked.get(userId)?.revision === revision;
  }

  /** What was first seen of these users: a store that takes no writes, on a full disk say, can often be read. Those of whom it cannot be learned are absent. */
  #savedPins(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, Pins>> {
    return this.#store.read([OWNER, ...userIds.map(pinsKey)]).pipe(
      map(([owner, ...saved]) => {
        if (!this.#writes.checkOwner(owner)) return NO_SAVED_PINS;
        const pins = new Map<UserId, Pins>();
        userIds.forEach((userId, i) => {
          const read = readPins(saved[i]);
          if (read !== undefined) pins.set(userId, read);
        });
        return pins;
      }),
      timeout({ first: PINS_PATIENCE, scheduler: this.#scheduler }),
      catchError(() => of(NO_SAVED_PINS)),
    );
  }

  /**
   * What the store decides where it works, decided by what memory has and what was pinned.
   * @param tried what the save that failed was to do, where it came to that: it may have taken effect
   */
  #keep(
    lists: ReadonlyMap<UserId, ListToSave>,
    saved: ReadonlyMap<UserId, Pins>,
    tried: ReadonlyMap<UserId, SavedList> | undefined,
  ): ReadonlyMap<UserId, SavedList> {
    const kept = new Map<UserId, SavedList>();
    for (const [userId, { list: verified, refusesUnsigned }] of lists) {
      const last = this.#memory.last(userId);
      const before = last?.list;
      // Before what was pinned meanwhile: that may be of an answer that could be held against nothing, or have been acknowledged away.
      const inMemory = mergePins(
        last?.beside.pins ?? NO_PINS,
        mergePins(pinsOf(before), this.#unsavedPins.get(userId) ?? NO_PINS),
      );
      const first = mergePins(saved.get(userId) ?? NO_PINS, inMemory);
      const { list, pins } = applyPins(verified, first, before, refusesUnsigned);
      this.#unsavedPins.set(userId, pins);
      const wouldSave = tried?.get(userId);
      kept.set(userId, {
        list,
        pins,
        ...(wouldSave !== undefined && { before: wouldSave.before ?? emptyList(list.fetchedAt) }),
        pinsDamaged: false,
      });
    }
    return kept;
  }

  /** Memory follows what was decided, and whoever is concerned is told. */
  #take(lists: ReadonlyMap<UserId, ListToSave>, { outcomes, passing, ours }: Decided): void {
    const listed = new Map<UserId, CachedList>();
    const adopted = new Map<UserId, { from: Revision; saved: SavedUser | undefined }>();
    const damaged: UserId[] = [];
    const untold = new Map<UserId, DeviceList>();
    for (const [userId, { list, pins, before, refused, pinsDamaged }] of outcomes) {
      if (pinsDamaged) damaged.push(userId);
      const revision = lists.get(userId)?.revision;
      if (userId === this.#ownUserId) this.#lookAtOwn(list);
      if (revision === undefined || passing.has(userId)) continue;
      if (refused !== undefined) adopted.set(userId, { from: revision, saved: refused.saved });
      else {
        const last = this.#memory.last(userId);
        const told = last?.beside.told;
        if (told !== undefined && before !== undefined && last !== undefined && sameDeviceList(before, last.list))
          untold.set(userId, told);
        listed.set(
          userId,
          this.#memory.keep(userId, list, revision, ours === undefined ? { told: told ?? before } : { pins }),
        );
      }
    }
    if (ours !== undefined) this.#memory.checkOurKey(ours.userSigningKey);
    if (damaged.length > 0) {
      this.#report({
        type: "records-damaged",
        kind: "pins",
        ids: damaged,
        message: `what was first seen of ${damaged.length} user(s) cannot be read; the keys of their saved lists stand in for it`,
      });
    }
    if (adopted.size > 0) this.#tracked.adopt(adopted);
    this.#memory.listed(listed);
    if (ours === undefined) return; // nothing is durable
    for (const [userId, { list, update }] of outcomes) {
      // A save that was given up may have taken effect all the same, and nobody was told what it changed.
      const before = untold.get(userId);
      const change = before === undefined ? update : deviceUpdate(userId, before, list, this.#memory.ourKey);
      if (change !== undefined) this.#updated(change);
    }
  }

  /** Our own identity changing is told at once, saved or not: once for each master key that comes, and again where the old one was back in between. */
  #lookAtOwn({ identity }: DeviceList): void {
    const { state, masterKey, pinnedMasterKey } = identityStatus(identity, undefined);
    if (state === "unchanged") this.#ownChangeTold = undefined;
    if (
      state !== "changed" ||
      masterKey === undefined ||
      pinnedMasterKey === undefined ||
      masterKey === this.#ownChangeTold
    )
      return;
    this.#ownChangeTold = masterKey;
    const message = `the server says that our own master key is ${masterKey}, and it was ${pinnedMasterKey}: acknowledge it only if it was us who reset our identity`;
    this.#report({ type: "own-identity-changed", masterKey, pinnedMasterKey, message });
  }

  /** Pins a master key in the place of the first one of this user, and completes when that is durable. */
  acknowledge(userId: UserId, masterKey: string): Observable<never> {
    const apply = (records: SavedRecords) =>
      acknowledge(records, {
        userId,
        masterKey,
        ownUserId: this.#ownUserId,
        inMemory: this.#memory.last(userId)?.list,
      });
    return defer(() => this.#writes.write({ keys: acknowledgeKeys(userId), apply, whenStoreFails: "fail" })).pipe(
      tap((acknowledged) => {
        if ("masterKey" in acknowledged) throw new IdentityChangedError(userId, masterKey, acknowledged.masterKey);
        const { list } = acknowledged;
        const cached = this.#memory.last(userId);
        if (userId === this.#ownUserId && list !== undefined) this.#memory.setOurKey(ownUserSigningKey(list)); // our list need not be in memory
        if (cached?.list.identity.masterKey !== masterKey) return;
        const pinned: DeviceList = {
          ...cached.list,
          identity: { ...cached.list.identity, pinnedMasterKey: masterKey },
        };
        const { pins, told } = cached.beside;
        this.#memory.replace(userId, pinned, cached.revision, { told, pins: pins && { ...pins, masterKey } });
      }),
      ignoreElements(),
    );
  }
}
