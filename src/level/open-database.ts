import { mkdir, readdir } from "node:fs/promises";
import { ClassicLevel } from "classic-level";
import { LevelStoreError, levelStoreError } from "./level-store-error.js";

export type Database = ClassicLevel<string, Uint8Array>;

/** Not the key of a record, since those begin with a quotation mark. */
const FORMAT_KEY = "format";
/** What a database of this package has under {@link FORMAT_KEY}, followed by the version of its format. */
const FORMAT_NAME = "matrix-device-tracker/level/";
const FORMAT = 1;

/** All files that LevelDB creates. */
const OF_LEVELDB = /^(?:CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(?:log|ldb|sst|dbtmp))$/u;
/** Files that it creates before the database exists: a process that is killed in between leaves them behind. */
const BEFORE_CURRENT = /^(?:LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.dbtmp)$/u;

/** Opens the database, and creates it if it does not exist. Rejects with a {@link LevelStoreError}. */
export async function openDatabase(location: string): Promise<Database> {
  try {
    await mkdir(location, { recursive: true });
    requireDatabase(location, await readdir(location));
    const database: Database = new ClassicLevel(location, { keyEncoding: "utf8", valueEncoding: "buffer" });
    await database.open();
    try {
      await requireFormat(location, database);
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  } catch (error) {
    throw levelStoreError(location, error);
  }
}

/** Otherwise LevelDB would create a database among other files, or in place of one that lacks parts. */
function requireDatabase(location: string, files: readonly string[]): void {
  if (files.includes("CURRENT")) return;
  if (!files.every((file) => OF_LEVELDB.test(file))) throw new LevelStoreError(location, "foreign");
  if (!files.every((file) => BEFORE_CURRENT.test(file))) throw new LevelStoreError(location, "damaged");
}

async function requireFormat(location: string, database: Database): Promise<void> {
  const format = (await database.get(FORMAT_KEY))?.toString();
  if (format === undefined) {
    const [other] = await database.keys({ limit: 1 }).all();
    if (other !== undefined) throw new LevelStoreError(location, "foreign");
    await database.batch([{ type: "put", key: FORMAT_KEY, value: Buffer.from(`${FORMAT_NAME}${FORMAT}`) }], {
      sync: true,
    });
    return;
  }
  const version = format.startsWith(FORMAT_NAME) ? Number(format.slice(FORMAT_NAME.length)) : Number.NaN;
  if (!Number.isInteger(version) || version < 1) throw new LevelStoreError(location, "foreign");
  if (version > FORMAT) throw new LevelStoreError(location, "newer");
}
