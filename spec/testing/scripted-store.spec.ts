import { asyncScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { deviceStoreContract, outlivingStoreContract } from "../contracts/device-store.contract.js";
import { marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";

deviceStoreContract("ScriptedStore", () => new ScriptedStore({ scheduler: asyncScheduler }));
outlivingStoreContract("ScriptedStore", () => {
  const store = new ScriptedStore({ scheduler: asyncScheduler });
  return { store, reopen: () => new ScriptedStore({ scheduler: asyncScheduler, records: store.records }) };
});

const put = (store: ScriptedStore, value: unknown) =>
  store.update([], () => ({ puts: [[["state", "a"], value]], deletes: [], result: "done" }));

describe("ScriptedStore", () => {
  it(
    "answers at once unless it is told to take its time",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      m.expectObservable(put(store, 1)).toBe("(d|)", { d: "done" });
      m.expectObservable(store.read([["state", "a"]])).toBe("(r|)", { r: [1] });
    }),
  );

  it(
    "does one operation after the other, each at the end of its time",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 3 });
      m.expectObservable(put(store, 1), "                ^-------").toBe("---(d|)", { d: "done" });
      m.expectObservable(store.read([["state", "a"]]), " -^------").toBe("------(r|)", { r: [1] });
      m.acts("--c", { c: () => expect(saved(store.records, ["state", "a"])).toBeUndefined() });
    }),
  );

  it(
    "fails the next operation of a kind, which changes nothing",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 2 });
      store.failNext("full", "update");
      m.expectObservable(store.read([["state", "a"]]), " ^-----").toBe("--(r|)", { r: [undefined] });
      m.expectObservable(put(store, 1), "                -^----").toBe("----#", undefined, "full");
      m.afterwards(() => {
        expect(saved(store.records, ["state", "a"])).toBeUndefined();
      });
    }),
  );

  it(
    "fails the next operation of any kind where none is named",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.failNext("full");
      m.expectObservable(store.syncToken$).toBe("#", undefined, "full");
      m.expectObservable(store.syncToken$).toBe("(t|)", { t: undefined });
    }),
  );

  it.each([
    [false, undefined],
    [true, 1],
  ])("hangs at the next operation; effective: %s", (effective, found) => {
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.hangNext("update", effective);
      m.expectObservable(put(store, 1)).toBe("-");
      m.afterwards(() => {
        expect(saved(store.records, ["state", "a"])).toBe(found);
      });
    })();
  });

  it(
    "does nothing any more after a crash, not even what was under way, and another over its records does",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 2 });
      m.acts("-c", { c: () => store.crash() });
      m.expectObservable(put(store, 1), "^-----").toBe("------");
      m.expectObservable(put(store, 1), "--^---").toBe("------");
      const next = new ScriptedStore({ scheduler: m.scheduler, records: store.records });
      m.expectObservable(next.read([["state", "a"]]), "-----^").toBe("-----(r|)", { r: [undefined] });
    }),
  );

  it(
    "counts what was begun",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const read$ = store.read([SYNC]);
      read$.subscribe();
      read$.subscribe();
      store.clear().subscribe();
      expect(store.begun).toEqual({ read: 2, readKinds: 0, update: 0, clear: 1 });
    }),
  );
});
