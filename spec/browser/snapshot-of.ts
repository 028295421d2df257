import type { SnapshotRecord, SyncRecord } from "../../src/store/records.js";
import { allRecords, overwrite } from "./raw-database.js";

/** Replaces the log of a database by a snapshot of these tracked users, as compacting does. */
export async function compact(database: string, users: SnapshotRecord): Promise<void> {
  const records = await allRecords(database);
  const sync = records.get("account/sync") as SyncRecord;
  const { head, position } = sync;
  for (const key of records.keys())
    if (key.startsWith("log/")) await overwrite(database, ["log", key.slice("log/".length)], undefined);
  await overwrite(database, ["snapshot", "0"], users);
  const snapshot = { head, position, chunks: 1, index: sync.snapshot.index, oldest: position + 1 };
  await overwrite(database, ["account", "sync"], { ...sync, snapshot } satisfies SyncRecord);
}
