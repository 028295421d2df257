import type { RecordKey, Update } from "./device-store.js";

/** A change needs records that it did not name; it must run again with these. */
export class RecordsMissing extends Error {
  override readonly name = "RecordsMissing";
  constructor(readonly keys: readonly RecordKey[]) {
    super(`${keys.length} more record(s) are needed`);
  }
}

/** The records of one transaction, with the changes made in it so far: what a pure change function reads and writes. */
export class SavedRecords {
  readonly #records = new Map<string, Map<string, unknown>>();
  readonly #touched = new Map<string, Map<string, RecordKey>>();

  constructor(keys: readonly RecordKey[], saved: readonly unknown[]) {
    keys.forEach(([kind, id], i) => {
      inner(this.#records, kind).set(id, saved[i]);
    });
  }

  get([kind, id]: RecordKey): unknown {
    const records = this.#records.get(kind);
    if (records?.has(id) !== true) throw new Error(`the record ${kind}/${id} was not asked for`);
    return records.get(id);
  }

  /**
   * Requires records that become known to be needed only after reading others.
   * @throws {RecordsMissing} if they were not named: nothing is written, and the change runs again with them
   */
  need(keys: readonly RecordKey[]): void {
    const missing = keys.filter(([kind, id]) => this.#records.get(kind)?.has(id) !== true);
    if (missing.length > 0) throw new RecordsMissing(missing);
  }

  /** Writes a record, or deletes it if `undefined`. */
  set(key: RecordKey, record: unknown): void {
    const [kind, id] = key;
    inner(this.#records, kind).set(id, record);
    inner(this.#touched, kind).set(id, key);
  }

  update<T>(result: T): Update<T> {
    const puts: [RecordKey, unknown][] = [];
    const deletes: RecordKey[] = [];
    for (const keys of this.#touched.values()) {
      for (const key of keys.values()) {
        const record = this.get(key);
        if (record === undefined) deletes.push(key);
        else puts.push([key, record]);
      }
    }
    return { puts, deletes, result };
  }
}

function inner<T>(outer: Map<string, Map<string, T>>, kind: string): Map<string, T> {
  let map = outer.get(kind);
  if (map === undefined) outer.set(kind, (map = new Map<string, T>()));
  return map;
}
