import { lastValueFrom } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import { put, useIdbStore } from "./fixture.js";

const numbered = (count: number) => Array.from({ length: count }, (_, i): RecordKey => ["log", `${i}`]);

/** Each look at the clock takes this long, in ms. */
function clockTakes(ms: number): void {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += ms));
}

/** How many requests a transaction makes, and when it lets the page go on. */
export function requestsBehaviour(implementation: string): void {
  describe(`the requests of an idbStore ${implementation}`, () => {
    const idb = useIdbStore();

    it("write for 8 ms at a time", async () => {
      clockTakes(1);
      await lastValueFrom(put(idb.store, ...numbered(1_000).map((key) => [key, 1] as const)));
      expect(idb.requests).toMatchObject({ puts: 1_000, mostPutsAtOnce: 8 });
      expect(idb.transactions.length).toBe(1);
    });

    it("write everything at once if that is quick", async () => {
      clockTakes(0);
      await lastValueFrom(put(idb.store, ...numbered(1_000).map((key) => [key, 1] as const)));
      expect(idb.requests).toMatchObject({ puts: 1_000, mostPutsAtOnce: 1_000 });
    });

    it.each([
      ["fewer", "slow", 100, [16, 8, 4, 2, 1, 1]],
      ["as many", "neither slow nor quick", 5, [16, 16]],
      ["more", "quick", 1, [16, 32]],
    ])("read %s records of a kind at a time if that is %s", async (_, __, ms, sizes) => {
      await lastValueFrom(put(idb.store, ...numbered(31).map((key) => [key, key[1]] as const)));
      const getAll = vi.spyOn(IDBObjectStore.prototype, "getAll");
      clockTakes(ms);
      const [log] = await lastValueFrom(idb.store.readKinds(["log"]));
      expect(getAll.mock.calls.map(([, size]) => size)).toEqual(sizes);
      expect(log).toEqual(new Map(numbered(31).map(([, id]) => [id, id])));
    });

    it("delete hundreds of records as a range", async () => {
      const keys = numbered(500);
      await lastValueFrom(put(idb.store, ...keys.map((key) => [key, 1] as const)));
      await lastValueFrom(idb.store.update([], () => ({ puts: [], deletes: keys, result: undefined })));
      expect(idb.requests.deletes).toBe(1);
      expect(await lastValueFrom(idb.store.readKinds(["log"]))).toEqual([new Map()]);
    });
  });
}
