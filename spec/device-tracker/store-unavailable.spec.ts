import { describe, expect, it } from "vitest";
import { OWNER, STORE_FORMAT } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles } from "../support/marbles.js";
import { saved, storeWith } from "../support/saved.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB } from "../support/users.js";
import { changed, step } from "../support/wire.js";

describe("a store that cannot be opened", () => {
  it(
    "is replaced by memory, and that is reported once",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.failNext("no disk");
      const { lookup, problems$, problems, expectQueries } = setUp(m, {
        store,
        devices: { [BOB]: ["B1"] },
        sync$: m.hot("-x", { x: changed(BOB) }),
        answerAfter: 1,
      });
      m.expectObservable(lookup([BOB]), "--^-").toBe("---(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "----^").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      expectQueries("2-3 bob");
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { error: "no disk", message: expect.stringContaining("cannot be used (no disk);") as string },
        ]);
      });
    }),
  );

  it.each(["read", "readKinds", "update"] as const)("does not keep synced$ waiting: its %s fails", (operation) => {
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.failNext("no disk", operation);
      const { synced$, problems$ } = setUp(m, { store, sync$: m.hot("-x", { x: step("s1") }) });
      m.expectObservable(synced$).toBe("-x", { x: "s1" });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
    })();
  });
});

describe("the report that a store cannot be opened", () => {
  it.each(["the tracker is closed", "the only caller unsubscribes"])("leaves no timer if %s from inside it", (what) => {
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 1 });
      store.failNext("no disk");
      const { tracker } = setUp(m, { store, scheduler, connected: false });
      const known = tracker.getKnownDeviceKeys([BOB]).subscribe({ error: () => {} });
      tracker.problems$.subscribe(() => {
        if (what.startsWith("the tracker")) tracker.close();
        else known.unsubscribe();
      });
      m.acts("--c", { c: () => expect(scheduler.pending).toBe(0) });
    })();
  });
});

describe("a store that a newer version has written", () => {
  it(
    "is left as it is, and memory replaces it",
    marbles((m) => {
      const owner = { userId: ALICE, format: STORE_FORMAT + 1, lifetime: "x" };
      const records = storeWith([OWNER, owner], [["list", BOB], { of: "a new kind" }]);
      const store = new ScriptedStore({ scheduler: m.scheduler, records });
      const { synced$, problems$ } = setUp(m, { store, sync$: m.hot("-x", { x: step("s1") }) });
      m.expectObservable(synced$).toBe("-x", { x: "s1" });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      m.afterwards(() => {
        expect(saved(records, OWNER)).toEqual(owner);
        expect(saved(records, ["list", BOB])).toEqual({ of: "a new kind" });
      });
    }),
  );
});

describe("a store in the format of an older version", () => {
  it(
    "is replaced, and that is reported",
    marbles((m) => {
      const owner = { userId: ALICE, format: 1, lifetime: "x" };
      const sync = { token: "s9", counter: 3 };
      const records = storeWith([OWNER, owner], [["account", "sync"], sync], [["state", BOB], { revision: 3 }]);
      const store = new ScriptedStore({ scheduler: m.scheduler, records });
      const { tracker, lookup, problems, expectQueries } = setUp(m, {
        store,
        connected: false,
        devices: { [BOB]: ["B1"] },
      });
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE]) });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(store.syncToken$, "-^").toBe("-(t|)", { t: undefined });
      expectQueries("0-0 bob");
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "store-replaced", format: 1 }]);
        expect(saved(records, OWNER)).toMatchObject({ userId: ALICE, format: STORE_FORMAT });
        expect(saved(records, ["state", BOB])).toBeUndefined();
      });
    }),
  );

  it(
    "of another account is not replaced",
    marbles((m) => {
      const owner = { userId: BOB, format: 1, lifetime: "x" };
      const store = new ScriptedStore({ scheduler: m.scheduler, records: storeWith([OWNER, owner]) });
      const { lookup } = setUp(m, { store, connected: false });
      lookup([]).subscribe({ error: () => {} });
      expect(saved(store.records, OWNER)).toEqual(owner);
    }),
  );
});
