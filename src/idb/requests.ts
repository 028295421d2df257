import type { RecordKey } from "../store/device-store.js";
import { decode, encode } from "../encoding/text.js";

/*
 * Requests of one transaction, made so that no task of the page takes long: browsers serialize a record inside `put`,
 * and deserialize it when `result` is read.
 *
 * The promises resolve within the success event of their last request, while the transaction accepts further ones. If a
 * request fails, they never settle: the transaction is then aborted.
 */

/** How long to make requests or read results before yielding to the page, in ms. A frame is 16 ms. */
const SLICE = 8;
/** From this many records of one kind on, reading a range pays off. */
const MANY_RECORDS = 64;
const FIRST_PAGE = 16;
/**
 * From this many deletions of one kind on, ranges pay off: in Chromium, 500 single deletions take 90 ms, and one of a
 * range 15 ms.
 */
const MANY_DELETIONS = 16;

export async function getRecords(store: IDBObjectStore, keys: readonly RecordKey[]): Promise<unknown[]> {
  const found = new Map<string, Map<string, unknown>>();
  for (const [kind, ids] of idsByKind(keys)) {
    const ofKind = ids.size < MANY_RECORDS ? new Map<string, unknown>() : await getRange(store, kind, ids);
    found.set(kind, ofKind);
    const others = Array.from(ids).filter((id) => !ofKind.has(id)); // none if the whole range was read
    const page = new Page();
    for (let at = 0; at < others.length;) {
      const some = others.slice(at, at + page.size);
      const requests = some.map((id) => store.get([kind, id]) as IDBRequest<unknown>);
      await succeeded(...requests);
      page.read(() => {
        requests.forEach(({ result }, i) => ofKind.set(some[i] ?? "", decode(result)));
      });
      at += some.length;
    }
  }
  return keys.map(([kind, id]) => found.get(kind)?.get(id));
}

/**
 * Reads records under many keys of one kind, together with others in between: a range takes half the time of as many
 * single requests. Missing records are returned as `undefined`. Ends early, with those found so far, if most records in
 * between are not wanted.
 */
async function getRange(store: IDBObjectStore, kind: string, ids: ReadonlySet<string>): Promise<Map<string, unknown>> {
  const records = new Map<string, unknown>();
  const sorted = [...ids].sort(); // by UTF-16 code units, as in IndexedDB
  let read = 0;
  const isWhole = await eachPage(store, IDBKeyRange.bound([kind, sorted[0]], [kind, sorted.at(-1)]), (keys, found) => {
    keys.forEach(([, id], i) => {
      if (ids.has(id)) records.set(id, found[i]);
    });
    read += keys.length;
    return read <= 2 * records.size;
  });
  if (isWhole) for (const id of ids) if (!records.has(id)) records.set(id, undefined);
  return records;
}

export async function getKind(store: IDBObjectStore, kind: string): Promise<ReadonlyMap<string, unknown>> {
  const records = new Map<string, unknown>();
  await eachPage(store, IDBKeyRange.bound([kind], endOf(kind)), (keys, found) => {
    keys.forEach(([, id], i) => records.set(id, found[i]));
    return true;
  });
  return records;
}

/** Reads a range page by page while `take` returns true. Returns true if it reached the end. */
async function eachPage(
  store: IDBObjectStore,
  range: IDBKeyRange,
  take: (keys: readonly [kind: string, id: string][], records: readonly unknown[]) => boolean,
): Promise<boolean> {
  const page = new Page();
  for (let rest = range; ;) {
    const { size } = page;
    const keysRequest = store.getAllKeys(rest, size);
    const recordsRequest = store.getAll(rest, size) as IDBRequest<unknown[]>;
    await succeeded(keysRequest, recordsRequest);
    const keys = keysRequest.result as [kind: string, id: string][];
    const wantsMore = page.read(() => take(keys, recordsRequest.result.map(decode)));
    const last = keys.at(-1);
    if (keys.length < size || indexedDB.cmp(last, range.upper) === 0) return true;
    if (!wantsMore) return false;
    rest = IDBKeyRange.bound(last, range.upper, true);
  }
}

/** How many records to read at a time, adapted so that reading them takes about one slice. */
class Page {
  size = FIRST_PAGE;

  /** @param readResults reads the results of as many requests or records as the page has */
  read<T>(readResults: () => T): T {
    const started = performance.now();
    const result = readResults();
    const took = performance.now() - started;
    if (took < SLICE / 2) this.size *= 2;
    else if (took > SLICE) this.size = Math.ceil(this.size / 2);
    return result;
  }
}

/** Writes the records; for equal keys, the last one stays. */
export const putRecords = (store: IDBObjectStore, puts: readonly (readonly [key: RecordKey, record: unknown])[]) =>
  inSlices(puts, ([[kind, id], record]) => store.put(encode(record), [kind, id]));

export async function deleteRecords(store: IDBObjectStore, keys: readonly RecordKey[]): Promise<void> {
  for (const [kind, ids] of idsByKind(keys)) {
    const ranges = ids.size < MANY_DELETIONS ? undefined : await rangesOf(store, kind, ids);
    if (ranges === undefined) await inSlices([...ids], (id) => store.delete([kind, id]));
    else await inSlices(ranges, (range) => store.delete(range));
  }
}

function idsByKind(keys: readonly RecordKey[]): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = new Map<string, Set<string>>();
  for (const [kind, id] of keys) ids.set(kind, (ids.get(kind) ?? new Set()).add(id));
  return ids;
}

/**
 * Returns ranges that cover these IDs and no other ID in use; `undefined` if there are many others in between, since
 * finding them all would take longer.
 */
async function rangesOf(
  store: IDBObjectStore,
  kind: string,
  ids: ReadonlySet<string>,
): Promise<IDBKeyRange[] | undefined> {
  const limit = 4 * ids.size;
  const sorted = [...ids].sort(); // by UTF-16 code units, as in IndexedDB
  const request = store.getAllKeys(IDBKeyRange.bound([kind, sorted[0]], [kind, sorted.at(-1)]), limit);
  await succeeded(request);
  const used = request.result as [kind: string, id: string][];
  if (used.length === limit) return undefined;
  const runs: IDBValidKey[][] = [];
  let run: IDBValidKey[] | undefined;
  for (const key of used) {
    if (!ids.has(key[1])) run = undefined;
    else if (run === undefined) runs.push((run = [key]));
    else run.push(key);
  }
  return runs.map((keys) => IDBKeyRange.bound(keys[0], keys.at(-1)));
}

async function inSlices<T>(items: readonly T[], request: (item: T) => IDBRequest): Promise<void> {
  let started = performance.now();
  for (const item of items) {
    const requested = request(item);
    if (performance.now() - started < SLICE) continue;
    await succeeded(requested);
    started = performance.now();
  }
}

/**
 * Arrays sort after strings, so all keys `[kind, id]` come before this one, and those of other kinds before `[kind]` or
 * after this one.
 */
const endOf = (kind: string): IDBValidKey => [kind, []];

/** Requests of one transaction succeed in order. */
const succeeded = (...requests: readonly IDBRequest[]): Promise<void> =>
  new Promise((resolve) => {
    const last = requests.at(-1);
    if (last === undefined) resolve();
    else
      last.onsuccess = () => {
        resolve();
      };
  });
