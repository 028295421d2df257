import { MIN_LOG, USERS_PER_LOG_RECORD, USERS_PER_SNAPSHOT_RECORD } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";
import { followSave, type Clone } from "./clone.js";
import type { RecordKey } from "./device-store.js";
import type { ExtensionRecords } from "./extension-records.js";
import {
  extensionKey,
  LIST_STATES,
  logKey,
  readLog,
  snapshotKey,
  SYNC,
  type SnapshotRecord,
  type SyncRecord,
} from "./records.js";
import type { SavedRecords } from "./saved-records.js";
import { syncOf } from "./transactions.js";

/** True if the log is long enough to be folded into a snapshot. */
export function isSnapshotDue({ position, snapshot }: SyncRecord, trackedUsers: number): boolean {
  return position - snapshot.position >= Math.max(MIN_LOG, trackedUsers / USERS_PER_LOG_RECORD);
}

/** A clone when nothing was pending. */
export type Committed = Pick<Clone, "head" | "position" | "users" | "ownUserId" | "token">;

/** Folds what else was appended since the last snapshot into `index` records, and returns their number. */
export type Compact = (records: SavedRecords, sync: SyncRecord) => number;

/**
 * Folds the log into a snapshot and truncates it, if the clone is up to date; otherwise does nothing.
 *
 * Deletes the log only up to the *previous* snapshot: a tab that is a little behind still finds in it which users left.
 */
export function writeSnapshot(
  records: SavedRecords,
  committed: Committed,
  compact: Compact,
  extensions: ExtensionRecords,
): boolean {
  const sync = syncOf(records, committed);
  if (sync?.head !== committed.head) return false;
  const unread = Array.from({ length: Math.max(0, sync.position - committed.position) }, (_, i) =>
    logKey(committed.position + 1 + i),
  );
  records.need(unread);
  const clone: Clone = { ...committed, users: new Map(committed.users), pending: [] };
  for (const key of unread) {
    const record = readLog(records.get(key));
    if (record?.type === "save") followSave(clone, record.lists);
  }
  const chunks = toChunks(clone.users);
  chunks.forEach((chunk, i) => {
    records.set(snapshotKey(i), chunk);
  });
  for (const key of obsolete(sync, chunks.length)) records.set(key, undefined);
  for (const [name, own] of extensions)
    own.forEach((record, i) => {
      records.set(extensionKey(name, i), record);
    });
  const counts = Object.fromEntries(Array.from(extensions, ([name, own]) => [name, own.length]));
  for (const [name, count] of Object.entries(sync.snapshot.extensions ?? {}))
    for (let i = counts[name] ?? 0; i < count; i++) records.set(extensionKey(name, i), undefined);
  const snapshot = {
    position: sync.position,
    head: sync.head,
    chunks: chunks.length,
    index: compact(records, sync),
    oldest: sync.snapshot.position + 1,
    ...(extensions.size > 0 && { extensions: counts }),
  };
  records.set(SYNC, { ...sync, snapshot } satisfies SyncRecord);
  return true;
}

function toChunks(users: Clone["users"]): readonly SnapshotRecord[] {
  const chunks: [UserId, number, number][][] = [];
  for (const [userId, { revision, outdated, hasList }] of users) {
    let chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length >= USERS_PER_SNAPSHOT_RECORD) chunks.push((chunk = []));
    chunk.push([userId, revision.number, LIST_STATES.indexOf(outdated ? (hasList ? "outdated" : "none") : "current")]);
  }
  return chunks;
}

function obsolete({ snapshot }: SyncRecord, chunks: number): readonly RecordKey[] {
  const keys: RecordKey[] = [];
  for (let chunk = chunks; chunk < snapshot.chunks; chunk++) keys.push(snapshotKey(chunk));
  for (let at = snapshot.oldest; at <= snapshot.position; at++) keys.push(logKey(at));
  return keys;
}
