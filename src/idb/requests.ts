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
/** The number of records of one kind from which reading ranges pays off: they take half the time of single requests. */
const MANY_RECORDS = 64;
/** How many pages are requested at a time: the browser reads the next ones while this page looks at the first. */
const PAGES_AT_A_TIME = 8;
/**
 * From this many deletions of one kind on, ranges pay off: in Chromium, 500 single deletions take 90 ms, and one of a
 * range 15 ms.
 */
const MANY_DELETIONS = 16;

export async function getRecords(store: IDBObjectStore, keys: readonly RecordKey[]): Promise<unknown[]> {
  const found = new Map<string, ReadonlyMap<string, unknown>>();
  for (const [kind, ids] of idsByKind(keys)) found.set(kind, await getOfKind(store, kind, ids));
  return keys.map(([kind, id]) => found.get(kind)?.get(id));
}

/** Those of one kind. Many are read as ranges, unless most records in between are not wanted. */
async function getOfKind(
  store: IDBObjectStore,
  kind: string,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, unknown>> {
  const records = new Map<string, unknown>();
  const sorted = [...ids].sort(); // by UTF-16 code units, as in IndexedDB
  const page = new Page();
  let at = 0;
  let areTogether = ids.size >= MANY_RECORDS;
  const getPage = async () => {
    page.size = Math.min(page.size, MANY_RECORDS); // it must not take many slow pages to shrink
    const some = sorted.slice(at, (at += page.size));
    if (areTogether) {
      const range = IDBKeyRange.bound([kind, some[0]], [kind, some.at(-1)]);
      const limit = 2 * some.length;
      const found = await getRange(store, range, limit, page, (id, record) => ids.has(id) && records.set(id, record()));
      areTogether &&= found.length < limit;
    }
    if (areTogether) return;
    const requests = some.flatMap((id) => (records.has(id) ? [] : [[id, store.get([kind, id])] as const]));
    await succeeded(...requests.map(([, request]) => request));
    page.read(() => {
      for (const [id, request] of requests) records.set(id, decode(request.result));
    });
  };
  const getPages = async () => {
    while (at < sorted.length) await getPage();
  };
  await getPage(); // shows what is in between
  await Promise.all(Array.from({ length: PAGES_AT_A_TIME }, getPages));
  return records;
}

export async function getKind(store: IDBObjectStore, kind: string): Promise<ReadonlyMap<string, unknown>> {
  const records = new Map<string, unknown>();
  const page = new Page();
  const end = endOf(kind);
  for (let range = IDBKeyRange.bound([kind], end); ;) {
    const { size } = page;
    const keys = await getRange(store, range, size, page, (id, record) => records.set(id, record()));
    const last = keys.at(-1);
    if (last === undefined || keys.length < size) return records;
    range = IDBKeyRange.bound(last, end, true);
  }
}

type Key = readonly [kind: string, id: string];

/**
 * The first records of a range.
 * @returns their keys
 */
async function getRange(
  store: IDBObjectStore,
  range: IDBKeyRange,
  limit: number,
  page: Page,
  take: (id: string, record: () => unknown) => unknown,
): Promise<readonly Key[]> {
  const [keysRequest, recordsRequest] = [store.getAllKeys(range, limit), store.getAll(range, limit)];
  await succeeded(keysRequest, recordsRequest);
  const keys = keysRequest.result as unknown as readonly Key[];
  page.read(() => {
    const records = recordsRequest.result as readonly unknown[];
    keys.forEach(([, id], i) => take(id, () => decode(records[i])));
  });
  return keys;
}

/** How many records to read at a time, adapted so that reading them takes about one slice. */
class Page {
  size = 16;

  /** @param readResults reads the results of as many requests or records as the page has */
  read(readResults: () => void): void {
    const started = performance.now();
    readResults();
    const took = performance.now() - started;
    if (took < SLICE / 2) this.size *= 2;
    else if (took > SLICE) this.size = Math.ceil(this.size / 2);
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
