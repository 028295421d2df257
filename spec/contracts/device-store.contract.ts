import { concatMap, defer, firstValueFrom, forkJoin, lastValueFrom, map, range, toArray, type Observable } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { SYNC } from "../../src/store/records.js";

type Put = readonly [key: RecordKey, record: unknown];

const changes = (puts: readonly Put[], deletes: readonly RecordKey[] = []): Update<undefined> => ({
  puts,
  deletes,
  result: undefined,
});
const write = (store: DeviceStore, puts: readonly Put[], deletes?: readonly RecordKey[]) =>
  done(store.update([], () => changes(puts, deletes)));

/** Every operation emits exactly one value and completes. */
async function done<T>(operation: Observable<T>): Promise<T> {
  const values = await lastValueFrom(operation.pipe(toArray()));
  expect(values).toHaveLength(1);
  return values[0] as T;
}

const alice: RecordKey = ["state", "@alice:example.org"];
const bob: RecordKey = ["state", "@bob:example.org"];
const counter: RecordKey = ["account", "counter"];

/** What every store promises the tracker. `open` gives an empty store, another one for each test. */
export function deviceStoreContract(name: string, open: () => DeviceStore): void {
  describe(`${name}, as a device store`, () => {
    let store: DeviceStore;
    beforeEach(() => {
      store = open();
    });

    describe("reading", () => {
      it("gives the records in the order of the keys, with holes where there is none", async () => {
        await write(store, [
          [alice, { revision: 1 }],
          [bob, { revision: 2 }],
        ]);
        expect(await done(store.read([bob, ["state", "@nobody:example.org"], alice, bob]))).toEqual([
          { revision: 2 },
          undefined,
          { revision: 1 },
          { revision: 2 },
        ]);
      });

      it("of no keys gives no records", async () => {
        expect(await done(store.read([]))).toEqual([]);
      });

      it("keeps kinds apart that share an ID", async () => {
        await write(store, [
          [["state", "x"], "a state"],
          [["list", "x"], "a list"],
        ]);
        expect(
          await done(
            store.read([
              ["list", "x"],
              ["state", "x"],
            ]),
          ),
        ).toEqual(["a list", "a state"]);
      });

      it("by kind gives a map for each kind, in the order of the kinds, and nothing of other kinds", async () => {
        await write(store, [
          [["list", "a"], 1],
          [["list", "b"], 2],
          [["lis", "c"], 3],
          [["list2", "d"], 4],
          [["state", "a"], 5],
        ]);
        expect(await done(store.readKinds(["state", "none", "list"]))).toEqual([
          new Map([["a", 5]]),
          new Map(),
          new Map([
            ["a", 1],
            ["b", 2],
          ]),
        ]);
      });

      it("of no kinds gives no maps", async () => {
        expect(await done(store.readKinds([]))).toEqual([]);
      });

      it("by kind gives what was there then, whatever is written later", async () => {
        await write(store, [[alice, 1]]);
        const [before] = await done(store.readKinds(["state"]));
        await write(store, [[bob, 2]], [alice]);
        expect(before).toEqual(new Map([[alice[1], 1]]));
      });

      it("gives many records by their keys", async () => {
        const keys = Array.from({ length: 1_000 }, (_, i): RecordKey => ["list", `@user${i}:example.org`]);
        await write(
          store,
          keys.map((key, i) => [key, i]),
        );
        expect(await done(store.read(keys))).toEqual(keys.map((_, i) => i));
        expect((await done(store.readKinds(["list"])))[0]?.size).toBe(1_000);
      });

      it("sees two records of one update both or not at all", async () => {
        const seen = range(0, 20).pipe(concatMap(() => store.read([alice, bob])));
        const written = range(1, 20).pipe(
          concatMap((i) =>
            store.update([], () =>
              changes([
                [alice, i],
                [bob, i],
              ]),
            ),
          ),
        );
        const [pairs] = await lastValueFrom(forkJoin([seen.pipe(toArray()), written]));
        for (const [a, b] of pairs) expect(a).toBe(b);
      });
    });

    describe("any ID and any value that can be cloned", () => {
      const ids = [
        "",
        "__proto__",
        "constructor",
        "toString",
        "\u0000",
        "[]",
        "a|b",
        "ü",
        "é",
        "e\u0301",
        "😀",
        "\ud800",
        "\uffff",
        "@" + "x".repeat(10_000) + ":y",
      ];

      it.each(ids.map((id) => [JSON.stringify(id.slice(0, 20)), id]))(
        "keeps a record under the ID %s",
        async (_, id) => {
          await write(store, [[["list", id], { of: id }]]);
          expect(await done(store.read([["list", id]]))).toEqual([{ of: id }]);
          expect(await done(store.readKinds(["list"]))).toEqual([new Map([[id, { of: id }]])]);
          await write(store, [], [["list", id]]);
          expect(await done(store.read([["list", id]]))).toEqual([undefined]);
        },
      );

      it("keeps records apart whose IDs only look alike", async () => {
        await write(
          store,
          ids.map((id, i) => [["list", id], i]),
        );
        expect(await done(store.read(ids.map((id): RecordKey => ["list", id])))).toEqual(ids.map((_, i) => i));
        expect(await done(store.readKinds(["list"]))).toEqual([new Map(ids.map((id, i) => [id, i]))]);
      });

      it.each(["", "__proto__", "constructor"])("keeps records of the kind %j", async (kind) => {
        await write(store, [[[kind, "__proto__"], 1]]);
        expect(await done(store.readKinds([kind]))).toEqual([new Map([["__proto__", 1]])]);
      });

      it("keeps properties named __proto__ that are a value's own", async () => {
        const json = '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"keys":{"ed25519:__proto__":"k"}}';
        await write(store, [[alice, JSON.parse(json)]]);
        const [record] = await done(store.read([alice]));
        expect(JSON.stringify(record)).toBe(json);
        expect({}).not.toHaveProperty("polluted");
      });

      it("keeps Maps, Sets, undefined, arrays and primitives as they are", async () => {
        const values = [
          new Map([["__proto__", new Set(["a"])]]),
          { a: undefined },
          [],
          [1, [2]],
          "",
          0,
          null,
          false,
          -1.5,
          new Uint8Array([1, 2]),
        ];
        await write(
          store,
          values.map((value, i) => [["list", `${i}`], value]),
        );
        expect(await done(store.read(values.map((_, i): RecordKey => ["list", `${i}`])))).toStrictEqual(values);
      });
    });

    describe("an update", () => {
      it("hands over the saved records in the order of the keys and gives back its result", async () => {
        await write(store, [[alice, 1]]);
        const given = await done(
          store.update([bob, alice], (saved) => ({ puts: [], deletes: [], result: [...saved] })),
        );
        expect(given).toEqual([undefined, 1]);
      });

      it("calls its change exactly once", async () => {
        let calls = 0;
        await done(
          store.update([alice, bob], () => {
            calls++;
            return changes([]);
          }),
        );
        expect(calls).toBe(1);
      });

      it("is there for whoever reads after it has emitted", async () => {
        const read = store.update([], () => changes([[alice, 1]])).pipe(concatMap(() => store.read([alice])));
        expect(await firstValueFrom(read)).toEqual([1]);
      });

      it("replaces and deletes records", async () => {
        await write(store, [
          [alice, 1],
          [bob, 1],
        ]);
        await write(store, [[alice, 2]], [bob]);
        expect(await done(store.read([alice, bob]))).toEqual([2, undefined]);
      });

      it("deletes what is not there without ado", async () => {
        await write(store, [[alice, 1]], [bob]);
        expect(await done(store.read([alice, bob]))).toEqual([1, undefined]);
      });

      it("puts a record that it also deletes", async () => {
        await write(store, [[alice, 1]]);
        await write(store, [[alice, 2]], [alice]);
        expect(await done(store.read([alice]))).toEqual([2]);
      });

      it("keeps the last of two records for one key", async () => {
        await write(store, [
          [alice, 1],
          [alice, 2],
        ]);
        expect(await done(store.read([alice]))).toEqual([2]);
      });

      it("whose change throws fails with that error and changes nothing", async () => {
        await write(store, [[alice, 1]]);
        const thrown = new Error("no");
        const failing = store.update([alice], (): Update<undefined> => {
          throw thrown;
        });
        await expect(done(failing)).rejects.toBe(thrown);
        expect(await done(store.readKinds(["state"]))).toEqual([new Map([[alice[1], 1]])]);
      });

      it("that failed does not hold up the next", async () => {
        const failing = store.update([alice], (): Update<undefined> => {
          throw new Error("no");
        });
        const [failed, written] = await Promise.allSettled([done(failing), write(store, [[alice, 1]])]);
        expect([failed.status, written.status]).toEqual(["rejected", "fulfilled"]);
        expect(await done(store.read([alice]))).toEqual([1]);
      });

      it("of a hundred at once counts to a hundred: they come one after the other", async () => {
        const increment = store.update([counter], ([n]) => {
          const next = ((n as number | undefined) ?? 0) + 1;
          return { puts: [[counter, next]], deletes: [], result: next };
        });
        const results = await Promise.all(Array.from({ length: 100 }, () => done(increment)));
        expect(results).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
        expect(await done(store.read([counter]))).toEqual([100]);
      });

      it("unsubscribed early emits nothing more, and is there as a whole or not at all", async () => {
        const emitted: unknown[] = [];
        const pair = store.update([alice], () =>
          changes([
            [alice, 1],
            [bob, 1],
          ]),
        );
        const subscription = pair.subscribe({
          next: (value) => emitted.push(value),
          error: (error: unknown) => emitted.push(error),
        });
        const soFar = emitted.length;
        subscription.unsubscribe();
        const [a, b] = await done(store.read([alice, bob]));
        expect(a).toBe(b);
        expect(emitted).toHaveLength(soFar);
      });
    });

    describe("being cold", () => {
      it("runs no operation that nobody subscribes to", async () => {
        store.clear();
        store.read([alice]);
        store.readKinds(["state"]);
        store.update([], () => changes([[alice, 1]]));
        expect(await done(store.readKinds(["state"]))).toEqual([new Map()]);
      });

      it("runs an operation again at each subscription, on what is saved then", async () => {
        const read = store.read([alice]);
        const kinds = store.readKinds(["state"]).pipe(map(([states]) => states?.size));
        expect([await done(read), await done(kinds)]).toEqual([[undefined], 0]);
        await write(store, [[alice, 1]]);
        expect([await done(read), await done(kinds)]).toEqual([[1], 1]);
        const clear = store.clear();
        await done(clear);
        await write(store, [[alice, 2]]);
        expect(await done(read)).toEqual([2]);
        await done(clear);
        expect(await done(read)).toEqual([undefined]);
      });
    });

    describe("clear", () => {
      it("forgets everything", async () => {
        await write(store, [
          [alice, 1],
          [["list", "x"], 2],
          [SYNC, { token: "t", revision: 1, steps: [] }],
        ]);
        expect(await done(store.clear())).toBeUndefined();
        expect(await done(store.readKinds(["state", "list", "account"]))).toEqual([new Map(), new Map(), new Map()]);
      });

      it("takes along what was written before it, and is seen by what is written after it", async () => {
        const owner: RecordKey = ["account", "owner"];
        await write(store, [[owner, "me"]]);
        const whereOwned = store.update([owner], ([me]) => changes(me === undefined ? [] : [[alice, me]]));
        await Promise.all([done(whereOwned), done(store.clear()), done(whereOwned)]);
        expect(await done(store.read([owner, alice]))).toEqual([undefined, undefined]);
      });

      it("leaves a store that can be written again", async () => {
        await done(store.clear());
        await write(store, [[alice, 1]]);
        expect(await done(store.read([alice]))).toEqual([1]);
      });
    });

    describe("the saved sync token", () => {
      it("is undefined before one is saved and after clear, and read at each subscription", async () => {
        const token$ = defer(() => store.syncToken$);
        expect(await done(token$)).toBeUndefined();
        await write(store, [[SYNC, { token: "s1", revision: 1, steps: [] }]]);
        expect(await done(token$)).toBe("s1");
        await write(store, [[SYNC, { token: "s2", revision: 2, steps: [] }]]);
        expect(await done(store.syncToken$)).toBe("s2");
        await done(store.clear());
        expect(await done(token$)).toBeUndefined();
      });

      it("is undefined where its record is damaged", async () => {
        await write(store, [[SYNC, { token: 7 }]]);
        expect(await done(store.syncToken$)).toBeUndefined();
      });
    });
  });
}

/** What a store promises on top of that whose records outlive it: another one over the same records is another tab, or the page after a restart. */
export function outlivingStoreContract(
  name: string,
  open: () => { readonly store: DeviceStore; readonly reopen: () => DeviceStore },
): void {
  describe(`${name}, opened again`, () => {
    it("has what was written", async () => {
      const { store, reopen } = open();
      await write(store, [
        [alice, new Map([["a", 1]])],
        [SYNC, { token: "s1", revision: 1, steps: [] }],
      ]);
      const again = reopen();
      expect(await done(again.read([alice]))).toEqual([new Map([["a", 1]])]);
      expect(await done(again.syncToken$)).toBe("s1");
    });

    it("takes its turn with the updates of the one still open, and sees its clear", async () => {
      const { store, reopen } = open();
      const other = reopen();
      const increment = (in_: DeviceStore) =>
        done(in_.update([counter], ([n]) => changes([[counter, ((n as number | undefined) ?? 0) + 1]])));
      await Promise.all(Array.from({ length: 50 }, (_, i) => increment(i % 2 === 0 ? store : other)));
      expect(await done(other.read([counter]))).toEqual([50]);
      await done(store.clear());
      expect(await done(other.read([counter]))).toEqual([undefined]);
    });
  });
}
