import { catchError, map, of, type Observable } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceStore } from "../store/device-store.js";
import { listKey, OWN_IDENTITY, OWNER, readOwner, readOwnIdentity, type OwnerRecord } from "../store/records.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUser } from "../store/tracked-users.js";
import type { Tracking } from "../sync/tracking.js";
import type { DeviceList } from "../trust/device-list.js";
import { CachedList } from "./list-cache.js";
import type { ListMemory } from "./list-memory.js";
import type { PendingEdits } from "./pending-edits.js";
import { isUsable, readListRecord, type SavedList } from "./list-record.js";

export interface KnownList {
  readonly list: DeviceList;
  /** True if it is as new as this revision. */
  readonly answers: (revision: Revision) => boolean;
}

export interface SavedListsPorts {
  readonly store: DeviceStore;
  readonly memory: ListMemory;
  readonly tracking: Tracking;
  /** True if lists with unsigned devices are ignored: they were saved before the application refused those. */
  readonly refusesUnsigned: boolean;
  /** Returns true if the store is still ours; reports it if not. */
  readonly isOurs: (owner: OwnerRecord | undefined) => boolean;
  /**
   * True if a revision is committed. Another tab's commit, and a list saved under it, may take the number of one that
   * is not.
   */
  readonly isCommitted: (revision: Revision) => boolean;
  /** A list answers a later revision than memory knows: another tab's commit was missed. */
  readonly missedCommit: () => void;
  readonly report: (problem: TrackerProblem) => void;
  readonly pendingEdits: PendingEdits;
}

export class SavedLists {
  readonly #ports: SavedListsPorts;

  constructor(ports: SavedListsPorts) {
    this.#ports = ports;
  }

  /**
   * Reads the saved lists that answer these revisions, in one read, and caches them. Users without one are absent, as
   * are all users if the store fails. If a list answers a later revision, memory is behind.
   */
  read(wanted: ReadonlyMap<UserId, Revision>): Observable<ReadonlyMap<UserId, CachedList>> {
    const { memory, tracking, isCommitted, missedCommit } = this.#ports;
    return this.#readRecords([...wanted.keys()]).pipe(
      map((records) => {
        const found = new Map<UserId, CachedList>();
        let isBehind = false;
        for (const [userId, revision] of wanted) {
          const saved = records.get(userId);
          const isSame = tracking.get(userId)?.revision === revision;
          if (saved !== undefined && isSame && saved.revision > revision.number) isBehind = true;
          if (saved?.revision !== revision.number || !isCommitted(revision)) {
            if (
              isSame &&
              isCommitted(revision) &&
              tracking.get(userId)?.outdated === false &&
              memory.cached(userId, revision) === undefined
            )
              tracking.unlisted(userId, revision);
            continue;
          }
          found.set(userId, isSame ? memory.keep(userId, saved.list, revision) : new CachedList(saved.list, revision));
        }
        if (isBehind) missedCommit();
        return found;
      }),
    );
  }

  /**
   * Emits the last lists, however old, in at most one read. Users without one are absent.
   * @param mayHaveList true if the user's record is worth reading
   */
  lastKnown(
    userIds: readonly UserId[],
    mayHaveList: (user: TrackedUser | undefined) => boolean = () => true,
  ): Observable<ReadonlyMap<UserId, KnownList>> {
    const { memory, tracking, isCommitted } = this.#ports;
    const known = new Map<UserId, KnownList>();
    const missing: UserId[] = [];
    for (const userId of userIds) {
      const user = tracking.get(userId);
      const cached = memory.last(userId);
      // Another tab may have fetched a newer list: memory's is then of another revision, although the user is not
      // outdated.
      if (cached !== undefined && (user === undefined || user.outdated || user.revision === cached.revision)) {
        known.set(userId, { list: cached.list, answers: (revision) => revision === cached.revision });
      } else if (mayHaveList(user)) missing.push(userId);
    }
    if (missing.length === 0) return of(known);
    return this.#readRecords(missing).pipe(
      map((records) => {
        for (const [userId, { list, revision: saved }] of records)
          known.set(userId, { list, answers: (revision) => saved === revision.number && isCommitted(revision) });
        return known;
      }),
    );
  }

  #readRecords(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, SavedList>> {
    const { store, memory, isOurs, refusesUnsigned, report, pendingEdits } = this.#ports;
    return store.read([OWNER, OWN_IDENTITY, ...userIds.map(listKey)]).pipe(
      map(([owner, ownIdentity, ...records]) => {
        if (!isOurs(readOwner(owner))) throw new StoreClearedError(); // these may be another account's lists
        memory.checkOurKey(readOwnIdentity(ownIdentity)?.userSigningKey);
        const found = new Map<UserId, SavedList>();
        const damaged: UserId[] = [];
        userIds.forEach((userId, i) => {
          const record = readListRecord(records[i], userId);
          if (record.damaged.includes("list")) damaged.push(userId);
          else if (record.saved !== undefined && isUsable(record.saved, refusesUnsigned))
            found.set(userId, { ...record.saved, list: pendingEdits.list(userId, record.saved.list) });
        });
        if (damaged.length > 0) {
          const message =
            `the saved lists of ${damaged.length} user(s) cannot be trusted; ` + "the server is queried for them";
          report({ type: "records-damaged", kind: "list", ids: damaged, message });
        }
        return found;
      }),
      catchError((error: unknown) => {
        if (error instanceof StoreClearedError) throw error;
        const message =
          `the saved lists of ${userIds.length} user(s) could not be read; ` +
          "the server is queried if they are needed";
        report({ type: "read-failed", userIds, error, message });
        return of(new Map<UserId, SavedList>());
      }),
    );
  }
}
