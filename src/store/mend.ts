import type { Observable } from "rxjs";
import type { SavedState } from "./clone.js";
import type { DeviceStore, RecordKey } from "./device-store.js";
import {
  LIST_STATES,
  OWNER,
  readLog,
  readOwner,
  readSnapshot,
  readSync,
  snapshotKey,
  SYNC,
  type OwnerRecord,
  type SnapshotRecord,
  type SyncRecord,
} from "./records.js";
import type { TrackedUser } from "./tracked-users.js";

/** How far a lost head is moved on: far beyond any number given out since the remaining records were written. */
const LOST_HEAD_LEAP = 1_000_000_000;

export interface DamagedAccount {
  readonly sync: unknown;
  readonly snapshots: ReadonlyMap<string, unknown>;
  readonly log: ReadonlyMap<string, unknown>;
  readonly extended: ReadonlyMap<string, unknown>;
}

/**
 * Repairs a damaged chain. Any departure may have been lost, so all users but our own become untracked. A change of
 * ours may have been lost, so our list becomes outdated, at a revision that no tab knows. The token stays if it can be
 * read; otherwise sync starts over. Numbers continue far beyond all that were ever given out, because a running tab may
 * know numbers that are lost here.
 */
export function mend(store: DeviceStore, owner: OwnerRecord, damaged: DamagedAccount): Observable<SavedState> {
  const sync = mendedSync(damaged);
  const { head, position, token } = sync;
  const ownUser: TrackedUser = { revision: { number: head }, outdated: true, hasList: false };
  const snapshot: SnapshotRecord = [[owner.userId, head, LIST_STATES.indexOf("none")]];
  const obsolete: readonly RecordKey[] = [
    ...Array.from(damaged.snapshots.keys(), (id) => ["snapshot", id] as const),
    ...Array.from(damaged.log.keys(), (id) => ["log", id] as const),
    ...Array.from(damaged.extended.keys(), (id) => ["extension", id] as const),
  ];
  const result: SavedState = { head, position, token, users: new Map([[owner.userId, ownUser]]) };
  return store.update([OWNER, SYNC], ([savedOwner, savedSync]) => {
    const isOurs = readOwner(savedOwner)?.lifetime === owner.lifetime;
    // If another tab has mended it or gone on in the meantime, the next transaction finds that the head has moved.
    const isAsRead = readSync(savedSync)?.position === readSync(damaged.sync)?.position;
    if (!isOurs || !isAsRead) return { puts: [], deletes: [], result };
    const [kind, id] = snapshotKey(0);
    return {
      puts: [
        [SYNC, sync],
        [[kind, id], snapshot],
      ],
      deletes: obsolete.filter((key) => key[0] !== kind || key[1] !== id),
      result,
    };
  });
}

function mendedSync(damaged: DamagedAccount): SyncRecord {
  const known = highest(damaged);
  const head = known.head + LOST_HEAD_LEAP;
  const position = known.position + 1;
  const token = readSync(damaged.sync)?.token;
  const snapshot = { position, head, chunks: 1, index: 0, oldest: position + 1 };
  return { head, position, snapshot, ...(token !== undefined && { token }) };
}

function highest({ sync, snapshots, log }: DamagedAccount): { readonly head: number; readonly position: number } {
  const known = readSync(sync);
  let head = known?.head ?? 0;
  let position = known?.position ?? 0;
  for (const [id, record] of log) {
    position = Math.max(position, Number.isSafeInteger(Number(id)) ? Number(id) : 0);
    const read = readLog(record);
    if (read?.type === "commits") head = Math.max(head, read.commits.at(-1)?.number ?? 0);
  }
  for (const record of snapshots.values())
    for (const [, number] of readSnapshot(record) ?? []) head = Math.max(head, number);
  return { head, position };
}
