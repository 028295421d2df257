import type { RecordKey, Update } from "../store/device-store.js";
import type { Database } from "./open-database.js";
import { decodeRecord, encodeRecord } from "./record-bytes.js";
import { ALL_RECORDS, encodeKey, idIn, keysOfKind } from "./record-key.js";

/** Writes through to the disk. Otherwise a crash of the machine may lose the last writes. */
const DURABLE = { sync: true };
/** How many bytes an iterator reads at a time. The default, 16 KiB, is five lists. */
const READ_AHEAD = { highWaterMarkBytes: 1024 * 1024 };

export async function getRecords(database: Database, keys: readonly RecordKey[]): Promise<readonly unknown[]> {
  const values = await database.getMany(keys.map(encodeKey));
  return values.map(decoded);
}

export async function getKinds(
  database: Database,
  kinds: readonly string[],
): Promise<readonly ReadonlyMap<string, unknown>[]> {
  const snapshot = database.snapshot();
  try {
    return await Promise.all(
      kinds.map(async (kind) => {
        const entries = await database.iterator({ ...keysOfKind(kind), ...READ_AHEAD, snapshot }).all();
        return new Map(entries.map(([key, value]) => [idIn(key, kind), decoded(value)]));
      }),
    );
  } finally {
    await snapshot.close();
  }
}

/** Writes all or nothing. */
export function writeRecords(database: Database, { puts, deletes }: Update<unknown>): Promise<void> {
  return database.batch(
    [
      ...deletes.map((key) => ({ type: "del" as const, key: encodeKey(key) })),
      ...puts.map(([key, record]) => ({ type: "put" as const, key: encodeKey(key), value: encodeRecord(record) })),
    ],
    DURABLE,
  );
}

/** Deletes all records or none. */
export async function clearRecords(database: Database): Promise<void> {
  const keys = await database.keys({ ...ALL_RECORDS, ...READ_AHEAD }).all();
  await database.batch(
    keys.map((key) => ({ type: "del" as const, key })),
    DURABLE,
  );
  // A deleted record stays in LevelDB's files until they are compacted. Nothing depends on that.
  await database.compactRange(ALL_RECORDS.gte, ALL_RECORDS.lt).catch(() => undefined);
}

const decoded = (value: Uint8Array | undefined): unknown =>
  value === undefined ? undefined : decodeRecord(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
