import { asyncScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceStore } from "../../src/store/device-store.js";
import { SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";

const put = (store: ScriptedStore, value: unknown) =>
  store.update([], () => ({ puts: [[["state", "a"], value]], deletes: [], result: "done" }));

describe("ScriptedStore", () => {
  it(
    "emits synchronously by default",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      m.expectObservable(put(store, 1)).toBe("(d|)", { d: "done" });
      m.expectObservable(store.read([["state", "a"]])).toBe("(r|)", { r: [1] });
    }),
  );

  it(
    "runs operations one after another, each at the end of its time",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 3 });
      m.expectObservable(put(store, 1), "                ^-------").toBe("---(d|)", { d: "done" });
      m.expectObservable(store.read([["state", "a"]]), " -^------").toBe("------(r|)", { r: [1] });
      m.acts("--c", { c: () => expect(saved(store.records, ["state", "a"])).toBeUndefined() });
    }),
  );

  it(
    "fails the next operation of a kind, which then changes nothing",
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
    "fails the next operation of any kind if none is named",
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
  ])("hangs at the next operation (effective: %s)", (effective, found) => {
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
    "does nothing after a crash, and its records outlive it",
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
    "counts the operations that were begun",
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

describe("ScriptedStore, on the records of another one", () => {
  const tabs = ({ scheduler }: Marbles, announceAfter = 0) => {
    const own = new ScriptedStore({ scheduler });
    return { own, other: new ScriptedStore({ scheduler, records: own.records, announceAfter }) };
  };
  const announce = (store: DeviceStore, announcement: unknown) => () => {
    store.update([], () => ({ puts: [], deletes: [], result: undefined, announce: announcement })).subscribe();
  };

  it(
    "receives its announcements synchronously by default",
    marbles((m) => {
      const { own, other } = tabs(m);
      m.acts("-a-b", { a: announce(own, "a"), b: announce(other, "b") });
      m.expectObservable(own.commits$).toBe("-a-b");
      m.expectObservable(other.commits$).toBe("-a-b");
    }),
  );

  it(
    "receives its announcements later, in order, and its own at once",
    marbles((m) => {
      const { own, other } = tabs(m, 3);
      const hurry = () => (other.announceAfter = 0);
      m.acts("-a-bh-c-----d", {
        a: announce(own, "a"),
        b: announce(own, "b"),
        h: hurry,
        c: announce(own, "c"),
        d: announce(other, "d"),
      });
      m.expectObservable(own.commits$).toBe("  -a-b--c-----d");
      m.expectObservable(other.commits$).toBe("----a-(bc)--d");
    }),
  );

  it(
    "distinguishes its own announcements from equal ones, heard or not",
    marbles((m) => {
      const { own, other } = tabs(m, 3);
      announce(other, "a")();
      m.acts("-a", { a: announce(own, "a") });
      m.expectObservable(other.commits$).toBe("----a");
    }),
  );

  it(
    "receives clones",
    marbles((m) => {
      const { own, other } = tabs(m);
      const announcement = { users: new Map([["@bob:example.org", 1]]) };
      const received: unknown[] = [];
      own.commits$.subscribe((value) => received.push(value));
      other.commits$.subscribe((value) => received.push(value));
      announce(own, announcement)();
      expect(received).toEqual([announcement, announcement]);
      expect(received[0]).toBe(announcement);
      expect(received[1]).not.toBe(announcement);
    }),
  );

  it(
    "loses its announcements until it wakes, those on their way included",
    marbles((m) => {
      const { own, other } = tabs(m, 2);
      m.acts("-a-bl-cd---w-e", {
        a: announce(own, "a"),
        b: announce(own, "b"),
        c: announce(own, "c"),
        d: announce(other, "d"),
        e: announce(own, "e"),
        l: () => other.loseAnnouncements(),
        w: () => other.wake(),
      });
      m.expectObservable(own.commits$).toBe("  -a-b--cd-----e");
      m.expectObservable(other.commits$).toBe("---a---d---w---e", { a: "a", d: "d", e: "e", w: undefined });
    }),
  );

  it(
    "receives the announcement of an update whose answer was lost",
    marbles((m) => {
      const { own, other } = tabs(m);
      m.acts("-a-b", {
        a: () => {
          own.hangNext("update", true);
          announce(own, "a")();
        },
        b: announce(own, "b"),
      });
      m.expectObservable(own.commits$).toBe("  ---b");
      m.expectObservable(other.commits$).toBe("-a-b");
    }),
  );

  it(
    "receives nothing after a crash",
    marbles((m) => {
      const { own, other } = tabs(m, 2);
      m.acts("-a-bcaw", {
        a: announce(own, "a"),
        b: announce(own, "b"),
        c: () => other.crash(),
        w: () => other.wake(),
      });
      m.expectObservable(other.commits$).toBe("---a");
    }),
  );

  it(
    "passes on what its records announce",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, announceAfter: 1 });
      m.acts("-a", { a: announce(store.records, "a") });
      m.expectObservable(store.commits$).toBe("--a");
    }),
  );

  it("fails an update whose announcement cannot be cloned, and writes nothing", () => {
    const store = new ScriptedStore({ scheduler: asyncScheduler });
    let failure: unknown;
    store
      .update([], () => ({ puts: [[["state", "a"], 1]], deletes: [], result: undefined, announce: () => {} }))
      .subscribe({ error: (error: unknown) => (failure = error) });
    expect(failure).toMatchObject({ name: "DataCloneError" });
    expect(saved(store.records, ["state", "a"])).toBeUndefined();
  });
});
