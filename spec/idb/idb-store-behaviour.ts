import { firstValueFrom, lastValueFrom, map, type Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { StoreError, type StoreFailure } from "../../src/idb/store-error.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";

export const alice: RecordKey = ["state", "@alice:example.org"];
export const bob: RecordKey = ["state", "@bob:example.org"];

export const put = (store: DeviceStore, ...puts: (readonly [RecordKey, unknown])[]): Observable<string> =>
  store.update([alice], () => ({ puts, deletes: [], result: "written" }));

export const records = (store: DeviceStore) => lastValueFrom(store.read([alice, bob]));

export async function failureOf(operation: Observable<unknown>): Promise<StoreError> {
  const error: unknown = await lastValueFrom(operation).then(
    () => new Error("the operation succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

/** The connections that have been opened since, the transactions that have been begun, and how those ended. */
export function spyOnIndexedDB() {
  const databases: IDBDatabase[] = [];
  const transactions: IDBTransaction[] = [];
  const ends: string[] = [];
  const puts = { asked: 0, answered: 0, mostWithoutPause: 0 };
  const open = indexedDB.open.bind(indexedDB);
  const watch = (database: IDBDatabase) => {
    const begin = database.transaction.bind(database);
    database.transaction = (...args) => {
      const transaction = begin(...args);
      transactions.push(transaction);
      for (const end of ["complete", "abort"]) transaction.addEventListener(end, () => ends.push(end));
      const objectStore = transaction.objectStore.bind(transaction);
      transaction.objectStore = (of) => {
        const store = objectStore(of);
        const putRecord = store.put.bind(store);
        store.put = (...record) => {
          puts.mostWithoutPause = Math.max(puts.mostWithoutPause, ++puts.asked - puts.answered);
          const request = putRecord(...record);
          request.addEventListener("success", () => puts.answered++);
          return request;
        };
        return store;
      };
      return transaction;
    };
    databases.push(database);
  };
  const opening = vi.spyOn(indexedDB, "open").mockImplementation((name, version) => {
    const request = open(name, version);
    request.addEventListener("success", () => {
      watch(request.result);
    });
    return request;
  });
  return { databases, transactions, ends, puts, open, opening, watch };
}

/** What another tab sees that wants the database to itself; fails where somebody is in the way. */
function settled<T>(request: IDBOpenDBRequest & IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error("failed", { cause: request.error }));
    };
    request.onblocked = () => {
      reject(new Error("blocked"));
    };
  });
}
const deleteDatabase = (name: string) => settled(indexedDB.deleteDatabase(name));

/** Of an idbStore only, in whatever IndexedDB there is. */
export function idbStoreBehaviour(where: string): void {
  describe(`idbStore ${where}`, () => {
    let name: string;
    let store: DeviceStore;
    let databases: IDBDatabase[];
    let transactions: IDBTransaction[];
    let ends: string[];
    let open: IDBFactory["open"];
    let puts: ReturnType<typeof spyOnIndexedDB>["puts"];
    let opening: ReturnType<typeof spyOnIndexedDB>["opening"];
    let watch: (database: IDBDatabase) => void;
    beforeEach(() => {
      ({ databases, transactions, ends, puts, open, opening, watch } = spyOnIndexedDB());
      name = `devices/@me:${crypto.randomUUID()}`;
      store = idbStore(name);
    });
    afterEach(() => {
      vi.restoreAllMocks();
      vi.unstubAllGlobals();
    });

    /** The next opening does not answer until it is told to; then it does as the real one. */
    function holdOpening() {
      const held = {} as Pick<IDBOpenDBRequest, "onsuccess" | "onupgradeneeded"> & { result?: IDBDatabase };
      opening.mockImplementationOnce(() => held as IDBOpenDBRequest);
      return {
        answer: () =>
          new Promise<IDBDatabase>((resolve) => {
            const request = open(name, 1);
            request.onupgradeneeded = () => {
              request.result.createObjectStore("records");
            };
            request.onsuccess = () => {
              watch(request.result);
              held.result = request.result;
              held.onsuccess?.call(request, new Event("success"));
              resolve(request.result);
            };
          }),
      };
    }

    describe("opens its database", () => {
      it("at the first subscription and not before", async () => {
        const read = store.read([alice]);
        store.clear();
        void store.syncToken$;
        expect(opening).not.toHaveBeenCalled();
        await firstValueFrom(read);
        expect(opening).toHaveBeenCalledOnce();
      });

      it("once for all operations, at the same time and later", async () => {
        await Promise.all([lastValueFrom(put(store, [alice, 1])), records(store), lastValueFrom(store.syncToken$)]);
        await records(store);
        expect(opening).toHaveBeenCalledOnce();
      });

      it("once, though operations are unsubscribed while it is open", async () => {
        await records(store);
        for (let i = 0; i < 10; i++) store.read([alice]).subscribe().unsubscribe();
        await records(store);
        expect(opening).toHaveBeenCalledOnce();
      });

      it("anew after a failure, which is not remembered", async () => {
        opening.mockImplementationOnce(() => {
          throw new DOMException("denied", "SecurityError");
        });
        const { failure, cause } = await failureOf(store.read([alice]));
        expect([failure, (cause as Error).message]).toEqual(["unavailable", "denied"]);
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("anew where opening never answered and who waited has given up", async () => {
        holdOpening();
        store.read([alice]).subscribe().unsubscribe();
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("with one connection left where two were opened, and whoever waited for the late one is served by the other", async () => {
        const first = holdOpening();
        const waiting = lastValueFrom(put(store, [alice, "of the one who waited"]));
        store.read([alice]).subscribe().unsubscribe();
        expect(await records(store)).toEqual([undefined, undefined]);
        const late = await first.answer();
        expect(await waiting).toBe("written");
        expect(() => late.transaction("records")).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
        expect(await records(store)).toEqual(["of the one who waited", undefined]);
        await deleteDatabase(name);
      });

      it("and keeps a connection that came late where there is no other", async () => {
        const first = holdOpening();
        const waiting = lastValueFrom(put(store, [alice, 1]));
        store.read([alice]).subscribe().unsubscribe();
        await first.answer();
        expect(await waiting).toBe("written");
        expect(await records(store)).toEqual([1, undefined]);
        expect(opening).toHaveBeenCalledOnce();
      });
    });

    describe("steps aside", () => {
      it("for another tab that deletes the database, and makes a new one for the next operation", async () => {
        await lastValueFrom(put(store, [alice, 1]));
        await deleteDatabase(name);
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("for a deletion in the middle of an update, which is finished first", async () => {
        await records(store);
        const [result] = await Promise.all([lastValueFrom(put(store, [alice, 1])), deleteDatabase(name)]);
        expect(result).toBe("written");
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("for another tab that upgrades the database, and says that it is too old for it", async () => {
        await lastValueFrom(put(store, [alice, 1]));
        const newer = await settled(open(name, 2));
        const { failure, cause, message } = await failureOf(store.read([alice]));
        expect([failure, (cause as Error).name]).toEqual(["newer", "VersionError"]);
        expect(message).toContain(name);
        expect(message).toContain("update the package");

        newer.close();
        await deleteDatabase(name);
        expect(await records(store)).toEqual([undefined, undefined]);
      });
    });

    it("opens another connection where the browser closed its own without a word", async () => {
      await lastValueFrom(put(store, [alice, 1]));
      databases[0]?.close();
      expect(await Promise.all([records(store), records(store)])).toEqual([
        [1, undefined],
        [1, undefined],
      ]);
      expect(opening).toHaveBeenCalledTimes(2);
    });

    it("gives up where the second connection is closed as well, and tries again at the next operation", async () => {
      const closedAtOnce: typeof open = (...args) => {
        const request = open(...args);
        request.addEventListener("success", () => {
          request.result.close();
        });
        return request;
      };
      opening.mockImplementationOnce(closedAtOnce).mockImplementationOnce(closedAtOnce);
      const { cause } = await failureOf(store.read([alice]));
      expect((cause as Error).name).toBe("InvalidStateError");
      expect(opening).toHaveBeenCalledTimes(2);
      expect(await records(store)).toEqual([undefined, undefined]);
    });

    describe("uses one transaction", () => {
      it("for a read of a thousand records, for a read by kinds and for an update", async () => {
        await lastValueFrom(store.read(Array.from({ length: 1_000 }, (_, i): RecordKey => ["list", `${i}`])));
        await lastValueFrom(store.readKinds(["state", "list", "account"]));
        await lastValueFrom(put(store, [alice, 1]));
        expect(transactions.map(({ mode }) => mode)).toEqual(["readonly", "readonly", "readwrite"]);
      });

      it("to write a thousand records, and lets the page go on in between", async () => {
        await lastValueFrom(
          put(store, ...Array.from({ length: 1_000 }, (_, i) => [["state", `@${i}:example.org`], i] as const)),
        );
        expect(transactions.length).toBe(1);
        expect(puts).toMatchObject({ answered: 1_000, mostWithoutPause: 100 });
        expect((await lastValueFrom(store.readKinds(["state"])))[0]?.size).toBe(1_000);
      });

      it("that is on the disk before an update emits", async () => {
        const update = put(store, [alice, 1]).pipe(map((result) => [...ends, result]));
        expect(await lastValueFrom(update)).toEqual(["complete", "written"]);
        expect(transactions[0]?.durability).toBe("strict");
      });
    });

    describe("leaves nothing half-written", () => {
      it("where a record in the middle cannot be cloned", async () => {
        const carol: RecordKey = ["state", "@carol:example.org"];
        const update = put(store, [alice, 1], [bob, () => "a function"], [carol, 3]);
        await expect(lastValueFrom(update)).rejects.toMatchObject({ name: "DataCloneError" });
        expect(await lastValueFrom(store.readKinds(["state"]))).toEqual([new Map()]);
      });

      it("where one of a thousand, which are written in portions, cannot be cloned", async () => {
        const thousand = Array.from(
          { length: 1_000 },
          (_, i) => [["state", `@${i}:example.org`], i === 750 ? () => "a function" : i] as const,
        );
        await expect(lastValueFrom(put(store, ...thousand))).rejects.toMatchObject({ name: "DataCloneError" });
        expect(await lastValueFrom(store.readKinds(["state"]))).toEqual([new Map()]);
        expect(ends).toContain("abort");
      });

      it("where the change deletes and then throws on a record of its own", async () => {
        await lastValueFrom(put(store, [alice, 1], [bob, 1]));
        const unreadable = {
          get devices() {
            throw new RangeError("unreadable");
          },
        };
        const update = store.update([], () => ({ puts: [[alice, unreadable]], deletes: [bob], result: undefined }));
        await expect(lastValueFrom(update)).rejects.toThrow("unreadable");
        expect(await records(store)).toEqual([1, 1]);
      });

      it("where the browser aborts the transaction without a reason, and gives one all the same", async () => {
        const update = store.update([alice], () => {
          queueMicrotask(() => transactions[0]?.abort());
          return { puts: [[alice, 1]], deletes: [], result: undefined };
        });
        const error = await failureOf(update);
        expect([error.failure, error.name, error.databaseName]).toEqual(["aborted", "StoreError", name]);
        expect(error.message).toContain("try again");
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("where the update is unsubscribed after its change has run", async () => {
        await records(store);
        const emitted: unknown[] = [];
        await new Promise<void>((resolve) => {
          const subscription = store
            .update([alice], () => {
              queueMicrotask(() => {
                subscription.unsubscribe();
                resolve();
              });
              return { puts: [[alice, 1]], deletes: [], result: "written" };
            })
            .subscribe({ next: (value) => emitted.push(value), error: (error: unknown) => emitted.push(error) });
        });
        expect(await records(store)).toEqual([undefined, undefined]);
        expect(emitted).toEqual([]);
      });

      it("where the update is unsubscribed before it has read", async () => {
        await records(store);
        const change = vi.fn(() => ({ puts: [[alice, 1] as const], deletes: [], result: undefined }));
        const subscription = store.update([alice], change).subscribe();
        const [database] = databases;
        if (database === undefined) expect.unreachable("no connection was opened");
        const begin = database.transaction.bind(database);
        database.transaction = (...args) => {
          queueMicrotask(() => {
            subscription.unsubscribe();
          });
          return begin(...args);
        };
        await firstValueFrom(idbStore(name).clear());
        expect(ends).toEqual(["complete", "abort", "complete"]);
        expect(change).not.toHaveBeenCalled();
      });
    });

    it("never begins an operation that was given up before the database was open", async () => {
      const held = holdOpening();
      const operations: Observable<unknown>[] = [put(store, [alice, 1]), store.clear(), store.read([alice])];
      const subscriptions = operations.map((operation) => operation.subscribe());
      for (const subscription of subscriptions) subscription.unsubscribe();
      await held.answer();
      expect(await records(store)).toEqual([undefined, undefined]);
      expect(transactions.map(({ mode }) => mode)).toEqual(["readonly"]);
    });

    describe("fails at subscription, clearly, and works once the reason is gone", () => {
      async function failsWith(expected: StoreFailure, text: string): Promise<void> {
        const made = idbStore(name);
        for (const operation of [
          made.read([alice]),
          made.readKinds(["state"]),
          put(made, [alice, 1]),
          made.clear(),
          made.syncToken$,
        ]) {
          const { failure, message } = await failureOf(operation);
          expect(failure).toBe(expected);
          expect(message).toContain(text);
        }
      }

      it.each([undefined, null])("where IndexedDB is %s", async (missing) => {
        vi.stubGlobal("indexedDB", missing);
        await failsWith("unavailable", "memoryStore()");
      });

      it("where even looking at IndexedDB is refused", async () => {
        const original = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
        Object.defineProperty(globalThis, "indexedDB", {
          configurable: true,
          get: () => {
            throw new DOMException("The operation is insecure.", "SecurityError");
          },
        });
        try {
          await failsWith("unavailable", "memoryStore()");
        } finally {
          if (original !== undefined) Object.defineProperty(globalThis, "indexedDB", original);
        }
        expect(await records(store)).toEqual([undefined, undefined]);
      });

      it("where the database is somebody else's, which is left alone", async () => {
        (await settled(open(name, 1))).close();
        await failsWith("foreign", "a name that nothing else uses");
        for (const database of databases)
          expect(() => database.transaction("records")).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
        await deleteDatabase(name);
        expect(await records(store)).toEqual([undefined, undefined]);
      });
    });
  });
}
