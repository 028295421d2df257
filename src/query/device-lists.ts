import { catchError, map, of, Subject, type Observable } from "rxjs";
import type { DeviceList } from "../keys/device-list.js";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { SavedUser } from "../store/commit.js";
import type { DeviceStore } from "../store/device-store.js";
import { readListRecord, type ListRecord } from "../store/list-record.js";
import { listKey } from "../store/records.js";
import { Revision } from "../store/revision.js";
import { saveKeys, saveLists, type ListToSave, type Refused } from "../store/save-lists.js";
import type { WriteQueue } from "../store/write-queue.js";
import type { TrackedUsers } from "../sync/tracked-users.js";
import { ListCache } from "./list-cache.js";

/** The device lists that we have: in memory the ones used last, in the store all that were saved. */
export class DeviceLists {
  readonly #ownUserId: UserId;
  readonly #store: DeviceStore;
  readonly #writes: WriteQueue;
  readonly #tracked: TrackedUsers;
  readonly #cache: ListCache;
  readonly #cached$ = new Subject<readonly UserId[]>();
  readonly #report: (problem: TrackerProblem) => void;

  constructor(options: {
    readonly ownUserId: UserId;
    readonly store: DeviceStore;
    readonly writes: WriteQueue;
    readonly tracked: TrackedUsers;
    readonly maxListsInMemory: number;
    readonly report: (problem: TrackerProblem) => void;
  }) {
    this.#ownUserId = options.ownUserId;
    this.#store = options.store;
    this.#writes = options.writes;
    this.#tracked = options.tracked;
    this.#cache = new ListCache(options.maxListsInMemory);
    this.#report = options.report;
  }

  /** Users whose list has just been fetched and cached, by whomever it was asked for. */
  get cached$(): Observable<readonly UserId[]> {
    return this.#cached$;
  }

  /** The list in memory that answers this very revision, if there is one. */
  cached(userId: UserId, revision: Revision): DeviceList | undefined {
    const cached = this.#cache.get(userId);
    return cached?.revision === revision ? cached.list : undefined;
  }

  /** Saved lists that answer these revisions or later ones, in one read; users without one are absent, and so is everyone where the store fails. */
  read(wanted: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, DeviceList>> {
    return this.#readRecords([...wanted.keys()]).pipe(
      map((records) => {
        const found = new Map<UserId, DeviceList>();
        for (const [userId, revision] of wanted) {
          const record = records.get(userId);
          // A greater revision is another tab's: a change that this tracker has not been given, and the list that was fetched after it.
          if (record === undefined || revision.committed === undefined || record.revision < revision.committed) continue;
          found.set(userId, record.list);
          if (this.#tracked.get(userId)?.revision === revision) this.#cache.set(userId, { list: record.list, revision });
        }
        return found;
      }),
    );
  }

  /** The last lists we had, however old, at most one read; users never fetched are absent. `committed`: the revision's number that the list answers. */
  lastKnown(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, { readonly list: DeviceList; readonly answers: (revision: Revision) => boolean }>> {
    const known = new Map<UserId, { list: DeviceList; answers: (revision: Revision) => boolean }>();
    const missing: UserId[] = [];
    for (const userId of userIds) {
      const cached = this.#cache.get(userId);
      if (cached !== undefined) known.set(userId, { list: cached.list, answers: (revision) => revision === cached.revision });
      else if (this.#tracked.get(userId) !== undefined) missing.push(userId);
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
   * Caches lists, and saves them where no change has been applied since their queries were sent, in this tab or another.
   *
   * The write is queued at once, subscribed to or not. Emits the users whose list was refused, once it is decided; a store that fails refuses nobody:
   * memory keeps the lists, and the failure is reported.
   */
  save(lists: ReadonlyMap<UserId, ListToSave>): Observable<ReadonlySet<UserId>> {
    return this.#writes
      .write<Refused>({ keys: saveKeys(lists), apply: (records) => saveLists(records, lists, this.#ownUserId), whenStoreFails: "fail" })
      .pipe(
        catchError((error: unknown): Observable<Refused | "cleared"> => {
          if (error instanceof StoreClearedError) return of("cleared");
          const userIds = [...lists.keys()];
          this.#report({ type: "save-failed", userIds, error, message: `the device lists of ${userIds.length} user(s) could not be saved; memory keeps them until the page is closed` });
          return of(new Map<UserId, SavedUser | undefined>());
        }),
        map((refused) => {
          if (refused === "cleared") return new Set(lists.keys());
          const listed = new Map<UserId, Revision>();
          const adopted = new Map<UserId, { from: Revision; saved: SavedUser | undefined }>();
          for (const [userId, { list, revision }] of lists) {
            if (refused.has(userId)) {
              adopted.set(userId, { from: revision, saved: refused.get(userId) });
            } else {
              listed.set(userId, revision);
              if (this.#tracked.get(userId) !== undefined) this.#cache.set(userId, { list, revision });
            }
          }
          if (adopted.size > 0) this.#tracked.adopt(adopted);
          if (listed.size > 0) {
            this.#tracked.listed(listed);
            this.#cached$.next([...listed.keys()]);
          }
          return new Set(refused.keys());
        }),
      );
  }

  forget(userIds: Iterable<UserId>): void {
    for (const userId of userIds) this.#cache.delete(userId);
  }

  #readRecords(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, ListRecord>> {
    return this.#store.read(userIds.map(listKey)).pipe(
      map((saved) => {
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
        this.#report({ type: "read-failed", userIds, error, message: `the saved lists of ${userIds.length} user(s) could not be read; where they are needed the server is asked` });
        return of(new Map<UserId, ListRecord>());
      }),
    );
  }
}
