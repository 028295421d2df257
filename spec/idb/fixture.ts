import { lastValueFrom, type Observable } from "rxjs";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { StoreError } from "../../src/idb/store-error.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { spyOnIndexedDB } from "./spy-on-indexeddb.js";

export const alice: RecordKey = ["state", "@alice:example.org"];
export const bob: RecordKey = ["state", "@bob:example.org"];

export const put = (store: DeviceStore, ...puts: (readonly [RecordKey, unknown])[]): Observable<string> =>
  store.update([alice], () => ({ puts, deletes: [], result: "written" }));

export const announce = (store: DeviceStore, announcement: unknown): Promise<string> =>
  lastValueFrom(store.update([], () => ({ puts: [], deletes: [], result: "announced", announce: announcement })));

export const records = (store: DeviceStore) => lastValueFrom(store.read([alice, bob]));

export async function failureOf(operation: Observable<unknown>): Promise<StoreError> {
  const error: unknown = await lastValueFrom(operation).then(
    () => new Error("the operation succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

type Fixture = ReturnType<typeof spyOnIndexedDB> & { name: string; store: DeviceStore };

/** For each test a store on a database of its own, and what it does to IndexedDB. */
export function useIdbStore(): Fixture {
  const fixture = {} as Fixture;
  beforeEach(() => {
    const name = `devices/@me:${crypto.randomUUID()}`;
    Object.assign(fixture, spyOnIndexedDB(), { name, store: idbStore(name) });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
  return fixture;
}
