import { firstValueFrom, lastValueFrom } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { alice, bob, failureOf, put, records, useIdbStore } from "./fixture.js";

const uncloneable = () => "a function cannot be cloned";

/** What becomes of an update that ends halfway. */
export function atomicityBehaviour(implementation: string): void {
  describe(`an update of an idbStore ${implementation} writes nothing if`, () => {
    const idb = useIdbStore();

    it("a record cannot be cloned", async () => {
      const carol: RecordKey = ["state", "@carol:example.org"];
      const update = put(idb.store, [alice, 1], [bob, uncloneable], [carol, 3]);
      await expect(lastValueFrom(update)).rejects.toMatchObject({ name: "DataCloneError" });
      expect(await lastValueFrom(idb.store.readKinds(["state"]))).toEqual([new Map()]);
    });

    it("one of a thousand records cannot be cloned", async () => {
      const thousand = Array.from(
        { length: 1_000 },
        (_, i) => [["state", `@${i}:example.org`], i === 750 ? uncloneable : i] as const,
      );
      await expect(lastValueFrom(put(idb.store, ...thousand))).rejects.toMatchObject({ name: "DataCloneError" });
      expect(await lastValueFrom(idb.store.readKinds(["state"]))).toEqual([new Map()]);
      expect(idb.ends).toContain("abort");
    });

    it("a record throws while it is cloned, after others were deleted", async () => {
      await lastValueFrom(put(idb.store, [alice, 1], [bob, 1]));
      const unreadable = {
        get devices() {
          throw new RangeError("unreadable");
        },
      };
      const update = idb.store.update([], () => ({ puts: [[alice, unreadable]], deletes: [bob], result: undefined }));
      await expect(lastValueFrom(update)).rejects.toThrow("unreadable");
      expect(await records(idb.store)).toEqual([1, 1]);
    });

    it("the browser aborts the transaction, which fails even without a reason", async () => {
      idb.on.put = () => idb.transactions[0]?.abort();
      const error = await failureOf(put(idb.store, [alice, 1]));
      expect([error.failure, error.name, error.databaseName]).toEqual(["aborted", "StoreError", idb.name]);
      expect(error.message).toContain("try again");
      expect(await records(idb.store)).toEqual([undefined, undefined]);
    });

    it("it is unsubscribed after its function has run", async () => {
      await records(idb.store);
      const emitted: unknown[] = [];
      await new Promise<void>((resolve) => {
        const subscription = idb.store
          .update([alice], () => {
            queueMicrotask(() => {
              subscription.unsubscribe();
              resolve();
            });
            return { puts: [[alice, 1]], deletes: [], result: "written" };
          })
          .subscribe({ next: (value) => emitted.push(value), error: (error: unknown) => emitted.push(error) });
      });
      expect(await records(idb.store)).toEqual([undefined, undefined]);
      expect(emitted).toEqual([]);
    });

    it("it is unsubscribed before it has read", async () => {
      await records(idb.store);
      const change = vi.fn(() => ({ puts: [[alice, 1] as const], deletes: [], result: undefined }));
      const subscription = idb.store.update([alice], change).subscribe();
      const [database] = idb.databases;
      if (database === undefined) expect.unreachable("no connection was opened");
      const begin = database.transaction.bind(database);
      database.transaction = (...args) => {
        queueMicrotask(() => {
          subscription.unsubscribe();
        });
        return begin(...args);
      };
      await firstValueFrom(idbStore(idb.name).clear());
      expect(idb.ends).toEqual(["complete", "abort", "complete"]);
      expect(change).not.toHaveBeenCalled();
    });
  });
}
