import { MAX_TAIL } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";
import type { Change, Commit } from "./change.js";
import { logKey, NO_SYNC, readLog, readSync, SYNC, type LogRecord, type SyncRecord } from "./records.js";
import type { SavedRecords } from "./saved-records.js";

/** A clone's position, with which a transaction compares the store. */
export interface Base {
  readonly head: number;
  readonly position: number;
}

/** The base of a write, and the tracker that makes it. */
export interface WriteBase extends Base {
  readonly by: string;
}

/** Where the commits were written, or where the store is instead. */
export type CommitOutcome = { readonly committedAt: number } | { readonly movedTo: SyncRecord | undefined };

/**
 * Commits changes: fast-forward only.
 *
 * If the head is the one for which they were made, the invalidations, the token and the new head are written together,
 * as one log record. If not, nothing is written: the tracker reloads and rebases them.
 */
export function commit(records: SavedRecords, base: Base, commits: readonly Commit[], by: string): CommitOutcome {
  const sync = syncOf(records, base);
  const last = commits.at(-1);
  if (sync?.head !== base.head || last === undefined) return { movedTo: sync };
  const token = commits.reduce(
    (current, { change }) => (change.type === "step" ? (change.next ?? current) : current),
    sync.token,
  );
  return { committedAt: append(records, { ...sync, head: last.number, token }, { type: "commits", by, commits }) };
}

export function append(records: SavedRecords, sync: SyncRecord, record: LogRecord): number {
  const position = sync.position + 1;
  records.set(logKey(position), record);
  records.set(SYNC, { ...sync, position } satisfies SyncRecord);
  return position;
}

/** Returns the head record; `undefined` if it is damaged, or gone although this tracker has seen one. */
export function syncOf(records: SavedRecords, base: Base): SyncRecord | undefined {
  const saved = records.get(SYNC);
  return saved === undefined && base.head === 0 && base.position === 0 ? NO_SYNC : readSync(saved);
}

/**
 * Returns a predicate: true if a user changed in the store since a clone's head: the compare of the compare-and-set. If
 * the head has moved, it reads the commits in between from the log. If they cannot be read, any user may have changed.
 */
export function changedSince(records: SavedRecords, base: Base): (userId: UserId) => boolean {
  const sync = syncOf(records, base);
  if (sync?.head === base.head) return () => false;
  if (sync === undefined || sync.position < base.position || sync.position - base.position > MAX_TAIL)
    return () => true;
  const keys = Array.from({ length: sync.position - base.position }, (_, i) => logKey(base.position + 1 + i));
  records.need(keys);
  const named = new Set<UserId>();
  for (const key of keys) {
    const record = readLog(records.get(key));
    if (record === undefined) return () => true;
    for (const { number, change } of record.type === "commits" ? record.commits : []) {
      if (number <= base.head) continue;
      if (change.type === "step" && change.everyone !== undefined) return () => true;
      for (const userId of usersOf(change)) named.add(userId);
    }
  }
  return (userId) => named.has(userId);
}

export const usersOf = (change: Change): readonly UserId[] =>
  change.type === "step" ? [...change.changed, ...change.left] : change.users;
