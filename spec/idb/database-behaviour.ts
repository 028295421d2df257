import { firstValueFrom, lastValueFrom, map, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { StoreFailure } from "../../src/idb/store-error.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { alice, failureOf, put, records, useIdbStore } from "./fixture.js";
import { deleteDatabase, settled } from "./spy-on-indexeddb.js";

/** The connection of an idbStore and its transactions, with any implementation of IndexedDB. */
export function databaseBehaviour(implementation: string): void {
  describe(`the database of an idbStore ${implementation}`, () => {
    const idb = useIdbStore();

    /** The next opening stays unanswered until `answer()` is called. */
    function holdOpening() {
      const held = {} as Pick<IDBOpenDBRequest, "onsuccess" | "onupgradeneeded"> & { result?: IDBDatabase };
      idb.opening.mockImplementationOnce(() => held as IDBOpenDBRequest);
      return {
        answer: () =>
          new Promise<IDBDatabase>((resolve) => {
            const request = idb.open(idb.name, 1);
            request.onupgradeneeded = () => {
              request.result.createObjectStore("records");
            };
            request.onsuccess = () => {
              idb.watch(request.result);
              held.result = request.result;
              held.onsuccess?.call(request, new Event("success"));
              resolve(request.result);
            };
          }),
      };
    }

    it("is opened at the first subscription and not before", async () => {
      const read = idb.store.read([alice]);
      idb.store.clear();
      void idb.store.syncToken$;
      expect(idb.opening).not.toHaveBeenCalled();
      await firstValueFrom(read);
      expect(idb.opening).toHaveBeenCalledOnce();
    });

    it("is opened once for all operations", async () => {
      const { store } = idb;
      await Promise.all([lastValueFrom(put(store, [alice, 1])), records(store), lastValueFrom(store.syncToken$)]);
      await records(store);
      expect(idb.opening).toHaveBeenCalledOnce();
    });

    it("stays open when operations are unsubscribed", async () => {
      await records(idb.store);
      for (let i = 0; i < 10; i++) idb.store.read([alice]).subscribe().unsubscribe();
      await records(idb.store);
      expect(idb.opening).toHaveBeenCalledOnce();
    });

    it("is opened again after a failure", async () => {
      idb.opening.mockImplementationOnce(() => {
        throw new DOMException("denied", "SecurityError");
      });
      const { failure, cause } = await failureOf(idb.store.read([alice]));
      expect([failure, (cause as Error).message]).toEqual(["unavailable", "denied"]);
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("is opened again for the same operation if the browser interrupts the opening", async () => {
      const { open, opening } = idb;
      opening.mockImplementationOnce((name, version) => {
        const request = open(name, version);
        const interrupt = () => request.transaction?.abort();
        queueMicrotask(() => request.addEventListener("upgradeneeded", interrupt)); // after the store's own listener
        return request;
      });
      await lastValueFrom(put(idb.store, [alice, 1]));
      expect(opening).toHaveBeenCalledTimes(2);
    });

    it("is opened again if opening never ended and the operation was given up", async () => {
      holdOpening();
      idb.store.read([alice]).subscribe().unsubscribe();
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("keeps one of two connections, and operations waiting for the other one use it", async () => {
      const first = holdOpening();
      const waiting = lastValueFrom(put(idb.store, [alice, "from the waiting one"]));
      idb.store.read([alice]).subscribe().unsubscribe();
      expect(await records(idb.store)).toEqual([undefined, undefined]);
      const late = await first.answer();
      expect(await waiting).toBe("written");
      expect(() => late.transaction("records")).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
      expect(await records(idb.store)).toEqual(["from the waiting one", undefined]);
      await deleteDatabase(idb.name);
    });

    it("keeps a connection that was given up and opened late, if there is no other", async () => {
      const first = holdOpening();
      const waiting = lastValueFrom(put(idb.store, [alice, 1]));
      idb.store.read([alice]).subscribe().unsubscribe();
      await first.answer();
      expect(await waiting).toBe("written");
      expect(await records(idb.store)).toEqual([1, undefined]);
      expect(idb.opening).toHaveBeenCalledOnce();
    });

    it("is closed for another tab that deletes it, and created again by the next operation", async () => {
      await lastValueFrom(put(idb.store, [alice, 1]));
      await deleteDatabase(idb.name);
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("is deleted by another tab only after an update under way", async () => {
      await records(idb.store);
      const [result] = await Promise.all([lastValueFrom(put(idb.store, [alice, 1])), deleteDatabase(idb.name)]);
      expect(result).toBe("written");
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("is closed for another tab that upgrades it; then operations fail as outdated", async () => {
      await lastValueFrom(put(idb.store, [alice, 1]));
      const newer = await settled(idb.open(idb.name, 2));
      const { failure, cause, message } = await failureOf(idb.store.read([alice]));
      expect([failure, (cause as Error).name]).toEqual(["newer", "VersionError"]);
      expect(message).toContain(idb.name);
      expect(message).toContain("update the package");

      newer.close();
      await deleteDatabase(idb.name);
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("is opened again if the browser has closed the connection without an event", async () => {
      await lastValueFrom(put(idb.store, [alice, 1]));
      idb.databases[0]?.close();
      expect(await Promise.all([records(idb.store), records(idb.store)])).toEqual([
        [1, undefined],
        [1, undefined],
      ]);
      expect(idb.opening).toHaveBeenCalledTimes(2);
    });

    it("is opened at most twice for one operation", async () => {
      const closedAtOnce: typeof idb.open = (...args) => {
        const request = idb.open(...args);
        request.addEventListener("success", () => {
          request.result.close();
        });
        return request;
      };
      idb.opening.mockImplementationOnce(closedAtOnce).mockImplementationOnce(closedAtOnce);
      const { cause } = await failureOf(idb.store.read([alice]));
      expect((cause as Error).name).toBe("InvalidStateError");
      expect(idb.opening).toHaveBeenCalledTimes(2);
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("uses one transaction for each operation", async () => {
      const { store } = idb;
      await lastValueFrom(store.read(Array.from({ length: 1_000 }, (_, i): RecordKey => ["list", `${i}`])));
      await lastValueFrom(store.readKinds(["state", "list", "account"]));
      await lastValueFrom(put(store, [alice, 1]));
      expect(idb.transactions.map(({ mode }) => mode)).toEqual(["readonly", "readonly", "readwrite"]);
    });

    it("has an update on the disk before the update emits", async () => {
      const update = put(idb.store, [alice, 1]).pipe(map((result) => [...idb.ends, result]));
      expect(await lastValueFrom(update)).toEqual(["complete", "written"]);
      expect(idb.transactions[0]?.durability).toBe("strict");
    });

    it("never begins an operation that was given up before the database was open", async () => {
      const held = holdOpening();
      const operations: Observable<unknown>[] = [
        put(idb.store, [alice, 1]),
        idb.store.clear(),
        idb.store.read([alice]),
      ];
      const subscriptions = operations.map((operation) => operation.subscribe());
      for (const subscription of subscriptions) subscription.unsubscribe();
      await held.answer();
      expect(await records(idb.store)).toEqual([undefined, undefined]);
      expect(idb.transactions.map(({ mode }) => mode)).toEqual(["readonly"]);
    });

    describe("when it cannot be used, fails at subscription, and works once the reason is gone:", () => {
      async function failsWith(expected: StoreFailure, text: string): Promise<void> {
        const store = idbStore(idb.name);
        for (const operation of [
          store.read([alice]),
          store.readKinds(["state"]),
          put(store, [alice, 1]),
          store.clear(),
          store.syncToken$,
        ]) {
          const { failure, message } = await failureOf(operation);
          expect(failure).toBe(expected);
          expect(message).toContain(text);
        }
      }

      it.each([undefined, null])("indexedDB is %s", async (missing) => {
        vi.stubGlobal("indexedDB", missing);
        await failsWith("unavailable", "memoryStore()");
      });

      it("reading the indexedDB property throws", async () => {
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
        expect(await records(idb.store)).toEqual([undefined, undefined]);
      });

      it("the database belongs to something else", async () => {
        (await settled(idb.open(idb.name, 1))).close();
        await failsWith("foreign", "a name that nothing else uses");
        for (const database of idb.databases)
          expect(() => database.transaction("records")).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
        await deleteDatabase(idb.name);
        expect(await records(idb.store)).toEqual([undefined, undefined]);
      });
    });
  });
}
