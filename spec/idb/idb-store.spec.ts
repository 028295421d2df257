import { forceCloseDatabase, IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { lastValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { deviceStoreContract, outlivingStoreContract } from "../contracts/device-store.contract.js";
import { alice, bob, failureOf, idbStoreBehaviour, put, records, spyOnIndexedDB } from "./idb-store-behaviour.js";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  globalThis.IDBKeyRange = IDBKeyRange;
});

deviceStoreContract("idbStore on fake-indexeddb", () => idbStore("a"));
outlivingStoreContract("idbStore on fake-indexeddb", () => ({ store: idbStore("a"), reopen: () => idbStore("a") }));
idbStoreBehaviour("on fake-indexeddb");

describe("idbStore, when the browser", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("closes its connection, opens another for the next operation", async () => {
    const { databases, opening } = spyOnIndexedDB();
    const store = idbStore("a");
    await lastValueFrom(put(store, [alice, 1]));
    const [database] = databases;
    if (database === undefined) expect.unreachable("no connection was opened");
    const begin = vi.spyOn(database, "transaction");
    forceCloseDatabase(database as never);
    expect(await records(store)).toEqual([1, undefined]);
    expect(opening).toHaveBeenCalledTimes(2);
    expect(begin).not.toHaveBeenCalled();
  });

  it.each([
    ["QuotaExceededError", "full", 1],
    ["UnknownError", "failed", 2],
    ["AbortError", "aborted", 1],
  ])(
    "ends a transaction with a %s, fails as %s, writes nothing and needs %i connection(s)",
    async (name, failure, connections) => {
      const { transactions, opening } = spyOnIndexedDB();
      const store = idbStore("a");
      const update = store.update([alice], () => {
        // What an error from the disk does to a transaction, in fake-indexeddb.
        queueMicrotask(() => (transactions[0] as unknown as { _abort(name: string): void })._abort(name));
        return {
          puts: [
            [alice, 1],
            [bob, 1],
          ],
          deletes: [],
          result: undefined,
        };
      });
      const error = await failureOf(update);
      expect([error.failure, (error.cause as Error).name]).toEqual([failure, name]);
      expect(await records(store)).toEqual([undefined, undefined]);
      expect(opening).toHaveBeenCalledTimes(connections);
    },
  );
});
