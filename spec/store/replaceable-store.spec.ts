import { describe, expect, it } from "vitest";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { NO_SYNC, SYNC } from "../../src/store/records.js";
import { ReplaceableStore } from "../../src/store/replaceable-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { put, saved, savedIds, storeWith } from "../support/saved.js";

const announcing = (store: DeviceStore, announce: string) => {
  store.update([], () => ({ puts: [], deletes: [], result: undefined, announce })).subscribe();
};

describe("a store that can be replaced", () => {
  it("passes every operation on to the current one", () => {
    const [first, second] = [storeWith([["list", "a"], 1]), storeWith([["list", "b"], 2])];
    const store = new ReplaceableStore(first);
    expect([saved(store, ["list", "a"]), savedIds(store, "list")]).toEqual([1, ["a"]]);
    store.replace(second);
    expect([saved(store, ["list", "a"]), savedIds(store, "list")]).toEqual([undefined, ["b"]]);
    put(store, [["list", "c"], 3]);
    expect([savedIds(first, "list"), savedIds(second, "list")]).toEqual([["a"], ["b", "c"]]);
    store.clear().subscribe();
    expect([savedIds(first, "list"), savedIds(second, "list")]).toEqual([["a"], []]);
  });

  it("decides at the subscription which one that is", () => {
    const store = new ReplaceableStore(storeWith([SYNC, { ...NO_SYNC, token: "s1" }]));
    const seen: unknown[] = [];
    const [token$, record$] = [store.syncToken$, store.read([["list", "a"]])];
    store.replace(storeWith([SYNC, { ...NO_SYNC, token: "s2" }], [["list", "a"], 2]));
    token$.subscribe((token) => seen.push(token));
    record$.subscribe((records) => seen.push(records));
    expect(seen).toEqual(["s2", [2]]);
  });

  it("emits what is announced in the current one", () => {
    const [first, second] = [memoryStore(), memoryStore()];
    const store = new ReplaceableStore(first);
    const heard: unknown[] = [];
    store.commits$.subscribe((announcement) => heard.push(announcement));
    announcing(first, "a");
    store.replace(second);
    announcing(first, "b");
    announcing(second, "c");
    expect(heard).toEqual(["a", "c"]);
  });

  it(
    "lets operations that have begun end where they began",
    marbles((m) => {
      const slow = new ScriptedStore({ scheduler: m.scheduler, takes: 3, records: storeWith([["list", "a"], 1]) });
      const store = new ReplaceableStore(slow);
      m.expectObservable(store.read([["list", "a"]])).toBe("---(r|)", { r: [1] });
      m.acts("-r", { r: () => store.replace(memoryStore()) });
    }),
  );
});
