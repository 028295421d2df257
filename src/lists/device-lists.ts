import { catchError, map, of, switchMap, timeout, type Observable, type SchedulerLike } from "rxjs";
import { deviceKey, type KeyAlgorithm } from "../keys/device-key.js";
import type { DeviceList } from "../trust/device-list.js";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import { readClaims, type Claimant } from "./claims.js";
import { savedUser } from "../store/commit.js";
import type { DeviceStore } from "../store/device-store.js";
import { readListRecord, type ListRecord } from "./list-record.js";
import {
  claimsKey,
  EPOCH,
  listKey,
  OWN_IDENTITY,
  OWNER,
  readEpoch,
  readOwnIdentity,
  stateKey,
} from "../store/records.js";
import type { Revision } from "../store/revision.js";
import type { WriteQueue } from "../store/write-queue.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { CachedList } from "./list-cache.js";
import type { ListMemory } from "./list-memory.js";

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

/** What reading lists needs of its surroundings. */
export interface DeviceListsPorts {
  readonly memory: ListMemory;
  readonly store: DeviceStore;
  readonly writes: WriteQueue;
  readonly tracked: TrackedUsers;
  /** Whether lists that hold unsigned devices are left alone: they were saved before the application refused those. */
  readonly refusesUnsigned: boolean;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

const hasUnsigned = ({ deviceStatus }: DeviceList): boolean =>
  Array.from(deviceStatus.values()).some(({ signedByItself }) => !signedByItself);

/** The device lists that we have: in memory the ones used last, in the store all that were saved. */
export class DeviceLists {
  readonly #memory: ListMemory;
  readonly #store: DeviceStore;
  readonly #writes: WriteQueue;
  readonly #tracked: TrackedUsers;
  readonly #refusesUnsigned: boolean;
  readonly #scheduler: SchedulerLike;
  readonly #report: (problem: TrackerProblem) => void;

  constructor({ memory, store, writes, tracked, refusesUnsigned, scheduler, report }: DeviceListsPorts) {
    this.#memory = memory;
    this.#store = store;
    this.#writes = writes;
    this.#tracked = tracked;
    this.#refusesUnsigned = refusesUnsigned;
    this.#scheduler = scheduler;
    this.#report = report;
  }

  /** Saved lists that answer these revisions or later ones, in one read; users without one are absent, and so is everyone where the store fails. */
  read(wanted: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, CachedList>> {
    return this.#readRecords([...wanted.keys()]).pipe(
      map((records) => {
        const found = new Map<UserId, CachedList>();
        for (const [userId, revision] of wanted) {
          const record = records.get(userId);
          // A greater revision is another tab's: a change that this tracker has not been given, and the list that was fetched after it.
          if (record === undefined || revision.committed === undefined || record.revision < revision.committed)
            continue;
          // A change may have come while it was being read, and its list been fetched and saved: then this is that list.
          const now = this.#tracked.get(userId)?.revision;
          const isAsNew = now?.committed !== undefined && record.revision >= now.committed;
          const answered = isAsNew ? now : revision;
          found.set(
            userId,
            now === answered ? this.#memory.keep(userId, record.list, answered) : new CachedList(record.list, answered),
          );
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
      timeout({
        first: FIND_PATIENCE,
        scheduler: this.#scheduler,
        with: () => of<ReadonlyMap<UserId, Revision>>(new Map()),
      }),
      switchMap((fetched) => (fetched.size === 0 ? of(NONE) : this.read(fetched))),
      map((saved) => {
        const found = new Map<UserId, CachedList>();
        for (const [userId, cached] of saved)
          if (this.#tracked.get(userId)?.revision === cached.revision) found.set(userId, cached);
        this.#memory.listed(found);
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
      const cached = this.#memory.last(userId);
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

  /** Every device in the saved lists that has this public key. */
  claimants(algorithm: KeyAlgorithm, publicKey: string): Observable<readonly Claimant[]> {
    return this.#store.read([OWNER, claimsKey(algorithm, publicKey)]).pipe(
      map(([owner, claims]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError();
        return readClaims(claims);
      }),
      switchMap((claims) => (claims.length === 0 ? of(claims) : this.#stillClaimed(claims, algorithm, publicKey))),
    );
  }

  /** Whose saved list has the key: what a damaged list claimed nobody could take out of the index. */
  #stillClaimed(
    claims: readonly Claimant[],
    algorithm: KeyAlgorithm,
    publicKey: string,
  ): Observable<readonly Claimant[]> {
    const userIds = [...new Set(claims.map(({ userId }) => userId))];
    return this.#store.read([OWNER, ...userIds.map(listKey)]).pipe(
      map(([owner, ...saved]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError();
        const lists = new Map(userIds.map((userId, i) => [userId, readListRecord(saved[i], userId)?.list]));
        return claims.filter(({ userId, deviceId }) => {
          const list = lists.get(userId);
          const device = list?.deviceKeys.get(deviceId);
          const refused = this.#refusesUnsigned && list?.deviceStatus.get(deviceId)?.signedByItself !== true;
          return device !== undefined && !refused && deviceKey(device, algorithm) === publicKey;
        });
      }),
    );
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
    return this.#store.read([OWNER, OWN_IDENTITY, ...userIds.map(listKey)]).pipe(
      map(([owner, ownIdentity, ...saved]) => {
        if (!this.#writes.checkOwner(owner)) throw new StoreClearedError(); // by now these may be another account's lists
        this.#memory.checkOurKey(readOwnIdentity(ownIdentity)?.userSigningKey);
        const records = new Map<UserId, ListRecord>();
        const damaged: UserId[] = [];
        userIds.forEach((userId, i) => {
          const record = readListRecord(saved[i], userId);
          if (record !== undefined) {
            if (!this.#refusesUnsigned || !hasUnsigned(record.list)) records.set(userId, record);
          } else if (saved[i] !== undefined) damaged.push(userId);
        });
        if (damaged.length > 0) {
          this.#report({
            type: "records-damaged",
            kind: "list",
            ids: damaged,
            message: `the saved lists of ${damaged.length} user(s) cannot be trusted; the server is asked for them`,
          });
        }
        return records;
      }),
      catchError((error: unknown) => {
        if (error instanceof StoreClearedError) throw error;
        this.#report({
          type: "read-failed",
          userIds,
          error,
          message: `the saved lists of ${userIds.length} user(s) could not be read; where they are needed the server is asked`,
        });
        return of(new Map<UserId, ListRecord>());
      }),
    );
  }
}
