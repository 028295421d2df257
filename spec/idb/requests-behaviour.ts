import { lastValueFrom } from "rxjs";
import { beforeEach, describe, expect, it, vi } from "vitest";
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
      expect(idb.requests.puts).toEqual(Array(125).fill(8));
      expect(idb.transactions.length).toBe(1);
    });

    it("write everything at once if that is quick", async () => {
      clockTakes(0);
      await lastValueFrom(put(idb.store, ...numbered(1_000).map((key) => [key, 1] as const)));
      expect(idb.requests.puts).toEqual([1_000]);
    });

    describe.each([
      ["fewer records at a time if they are slow", 100, [16, 8, 4, 2, 1]],
      ["as many at a time if they are neither slow nor quick", 5, [16, 16, 16]],
      ["more records at a time if they are quick", 1, [16, 32, 64]],
    ])("read %s", (_, ms, sizes) => {
      const keys = numbered(sizes.reduce((sum, size) => sum + size, 0) - 1);
      beforeEach(async () => {
        await lastValueFrom(put(idb.store, ...keys.map((key) => [key, key[1]] as const)));
        clockTakes(ms);
      });

      it("of a kind", async () => {
        const [log] = await lastValueFrom(idb.store.readKinds(["log"]));
        expect(log).toEqual(new Map(keys.map(([, id]) => [id, id])));
        expect(idb.requests.getAlls).toEqual(sizes);
      });
    });

    it.each<[string, number, number[]]>([
      ["fewer at a time if they are slow", 100, [32, ...Array<number>(8).fill(16), 8, 4, 2]],
      ["more at a time if they are quick", 0, [32, ...Array<number>(8).fill(64), 128, 128, 128, 72]],
    ])(
      "read many records of a kind as 8 ranges at a time, whether they exist or not, %s",
      async (_, ms, twiceTheSizes) => {
        const keys = numbered(500);
        await lastValueFrom(put(idb.store, ...keys.slice(100).map((key) => [key, key[1]] as const)));
        const wanted = keys.toReversed();
        const expected = wanted.map(([, id]) => (Number(id) < 100 ? undefined : id));
        const { length } = idb.requests.gets;
        clockTakes(ms);
        expect(await lastValueFrom(idb.store.read(wanted))).toEqual(expected);
        expect(idb.requests.gets.length).toBe(length);
        expect(idb.requests.getAlls.slice(0, twiceTheSizes.length)).toEqual(twiceTheSizes);
      },
    );

    it("read fewer records at a time as soon as they are slow, however many were quick", async () => {
      const keys = numbered(1_600);
      await lastValueFrom(put(idb.store, ...keys.map((key) => [key, key[1]] as const)));
      let [now, looks] = [0, 0];
      vi.spyOn(performance, "now").mockImplementation(() => (now += ++looks > 40 ? 100 : 0)); // each page takes two
      expect(await lastValueFrom(idb.store.read(keys))).toEqual(keys.map(([, id]) => id));
      expect(idb.requests.getAlls.slice(20, 35)).toEqual([...Array<number>(8).fill(128), 64, 32, 16, 8, 4, 2, 2]);
    });

    it("read some of many records one by one", async () => {
      const keys = numbered(3_000);
      await lastValueFrom(put(idb.store, ...keys.map((key) => [key, key[1]] as const)));
      const wanted = keys.filter((_, i) => i % 10 === 0);
      expect(await lastValueFrom(idb.store.read(wanted))).toEqual(wanted.map(([, id]) => id));
      expect(idb.requests.getAlls).toEqual([32]); // then it is clear that most are not wanted
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
