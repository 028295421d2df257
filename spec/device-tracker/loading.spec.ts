import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreOwnerError } from "../../src/model/errors.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey, OWNER } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, savedIds, storeWith } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });
const B2 = answer({ [BOB]: ["B2"] });

/** What an earlier life of the page left: Bob is tracked and his list is there. */
function savedWithBob(m: Pick<Marbles, "scheduler">): DeviceStore {
  const store = memoryStore();
  trackerIn(m, { tracking: [BOB], store, answers: [of(B1)] })
    .lookup([BOB])
    .subscribe();
  return store;
}

/** The same behind a store whose operations take a while: two of them, one after the other, load the state. */
const slowlyWithBob = (m: Marbles, takes: number) =>
  new ScriptedStore({ scheduler: m.scheduler, takes, records: savedWithBob(m) });

describe("the saved state", () => {
  it(
    "is loaded on first use: lookups work before connect() and without a step",
    marbles((m) => {
      const { lookup, asked$ } = trackerIn(m, { store: savedWithBob(m) });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
      m.expectObservable(asked$).toBe("-");
    }),
  );

  it(
    "is loaded once, whoever waits for it",
    marbles((m) => {
      const store = slowlyWithBob(m, 2);
      const { lookup, tracker } = trackerIn(m, { store, sync$: m.hot("---") });
      m.expectObservable(lookup([BOB]), "        ^-------").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([]), "           -^------").toBe("----(b|)", { b: [] });
      m.expectObservable(tracker.trackedUsers$.pipe(map(({ size }) => size))).toBe("----2", { 2: 2 });
      m.afterwards(() => {
        expect(store.begun).toMatchObject({ readKinds: 1, update: 0 });
      });
    }),
  );

  it(
    "keeps an invalidation over a restart",
    marbles((m) => {
      const store = savedWithBob(m);
      trackerIn(m, { store, sync$: of(changed(BOB)) });
      const { lookup } = trackerIn(m, { store, answers: [m.cold("-(b|)", { b: B2 })] });
      m.expectObservable(lookup([BOB])).toBe("-(b|)", { b: ["bob B2 current"] });
    }),
  );

  it(
    "keeps over a restart that a user left",
    marbles((m) => {
      const store = savedWithBob(m);
      trackerIn(m, { store, sync$: of(left(BOB)) });
      const { lookup } = trackerIn(m, { store, answers: [of(B2)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B2 untracked"] });
      expect(savedIds(store, "list")).toEqual([]);
    }),
  );

  it(
    "is read again by the next use where everyone left before it was there",
    marbles((m) => {
      const store = slowlyWithBob(m, 4);
      const { lookup } = trackerIn(m, { store });
      m.expectObservable(lookup([BOB]), "^--!-----------------").toBe("---");
      m.expectObservable(lookup([BOB]), "-------^-------------").toBe("-------------------(b|)", {
        b: ["bob B1 current"],
      });
      m.afterwards(() => {
        expect(store.begun).toMatchObject({ readKinds: 1, read: 3 });
      });
    }),
  );

  it(
    "gives the sync token to whoever starts the sync loop",
    marbles((m) => {
      const store = memoryStore();
      trackerIn(m, { store, sync$: of(step("s1"), step("s2")) });
      m.expectObservable(store.syncToken$).toBe("(t|)", { t: "s2" });
    }),
  );
});

describe("a step given while the saved state is being loaded", () => {
  it(
    "is applied before a lookup made after it goes on",
    marbles((m) => {
      const sync$ = m.hot("               -x             ", { x: changed(BOB) });
      const bob$ = m.cold("                 ------(b|)   ", { b: B2 });
      const { lookup, asked$ } = trackerIn(m, { store: slowlyWithBob(m, 3), sync$, answers: [bob$] });
      m.expectObservable(lookup([BOB]), "--^---------------").toBe("------------------(b|)", { b: ["bob B2 current"] }); // saved at 15 by a transaction that finds an old device to be forgotten, and at 18 by one that does
      m.expectObservable(asked$).toBe("------b", { b: "bob" });
    }),
  );

  it(
    "is applied before a lookup goes on that was made before it, and started the loading",
    marbles((m) => {
      const sync$ = m.hot("          --x            ", { x: changed(BOB) });
      const bob$ = m.cold("                ------(b|)", { b: B2 });
      const { tracker, lookup, asked$ } = trackerIn(m, {
        store: slowlyWithBob(m, 3),
        sync$,
        connected: false,
        answers: [bob$],
      });
      m.acts("                       -c            ", { c: () => tracker.connect() });
      m.expectObservable(lookup([BOB])).toBe("------------------(b|)", { b: ["bob B2 current"] });
      m.expectObservable(tracker.deviceChanges$).toBe("------x", { x: { changed: [BOB], left: [] } });
      m.expectObservable(asked$).toBe("------b", { b: "bob" });
    }),
  );

  it(
    "is announced and synced in its turn",
    marbles((m) => {
      const sync$ = m.hot("-x-y-----------", {
        x: step("s1", { changed: [BOB] }),
        y: step("s2", { changed: [CAROL] }),
      });
      const { tracker } = trackerIn(m, { store: slowlyWithBob(m, 3), sync$ });
      m.expectObservable(tracker.deviceChanges$.pipe(map(({ changed: users }) => users.map(localpart)))).toBe(
        "------(xy)",
        { x: ["bob"], y: ["carol"] },
      );
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("---------x--y", {
        x: "s1",
        y: "s2",
      });
    }),
  );

  it(
    "comes before the end of sync$",
    marbles((m) => {
      const sync$ = m.hot("-x#------------", { x: step("s1", { changed: [BOB] }) }, "logged out");
      const { tracker } = trackerIn(m, { store: slowlyWithBob(m, 3), sync$ });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe(
        "---------(x#)",
        { x: "s1" },
        "logged out",
      );
    }),
  );
});

describe("a store of another account", () => {
  const bobs = () => storeWith([OWNER, { userId: BOB, format: 1, lifetime: "x" }]);
  const refused = new StoreOwnerError(BOB, ALICE);

  it(
    "fails every lookup, track() and synced$",
    marbles((m) => {
      const { tracker } = trackerIn(m, { store: bobs() });
      m.acts("                                        -c", { c: () => tracker.connect() });
      m.expectObservable(tracker.synced$).toBe("       -#", undefined, refused);
      m.expectObservable(tracker.getDeviceKeys([BOB])).toBe("#", undefined, refused);
      m.expectObservable(tracker.getDeviceKeys([])).toBe("#", undefined, refused);
      m.expectObservable(tracker.getKnownDeviceKeys([BOB])).toBe("#", undefined, refused);
      m.expectObservable(tracker.track([BOB])).toBe("#", undefined, refused);
    }),
  );

  it(
    "has nothing but the owner's name read, and nothing written",
    marbles((m) => {
      const log = { reads: [], writes: [] };
      const { tracker } = trackerIn(m, { store: countingStore(log, bobs()) });
      tracker.synced$.subscribe({ error: () => {} });
      tracker.connect();
      m.afterwards(() => {
        expect(log).toEqual({ reads: [["account/owner"]], writes: [] });
      });
    }),
  );

  it(
    "is quiet for watchers and on trackedUsers$, and told on problems$",
    marbles((m) => {
      const { tracker, problems$ } = trackerIn(m, { store: bobs() });
      m.expectObservable(tracker.watchDeviceKeys([BOB]), "-^--").toBe("----");
      m.expectObservable(tracker.trackedUsers$).toBe("----");
      m.expectObservable(problems$).toBe("-p", { p: "watch-failed" });
    }),
  );

  it(
    "has no step applied that was given meanwhile",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 3, records: bobs() });
      const { tracker } = trackerIn(m, { store, sync$: m.hot("-x----", { x: changed(BOB) }) });
      m.expectObservable(tracker.synced$).toBe("---#", undefined, refused);
      m.expectObservable(tracker.deviceChanges$).toBe("------");
      m.afterwards(() => {
        expect(store.begun.update).toBe(0);
      });
    }),
  );
});

describe("a store that cannot be opened", () => {
  it(
    "is replaced by memory, told once",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.failNext("no disk");
      const bob$ = m.cold("                  -(b|)  ", { b: B1 });
      const { lookup, problems$, problems } = trackerIn(m, {
        store,
        sync$: m.hot("x------", { x: changed(BOB) }),
        answers: [bob$],
      });
      m.expectObservable(lookup([BOB]), "    -^-----").toBe("--(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "    ----^--").toBe("----(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: "no disk" }]);
        expect(store.begun).toEqual({ read: 1, readKinds: 0, update: 0, clear: 0 });
      });
    }),
  );

  it.each(["read", "readKinds", "update"] as const)(
    "because its %s fails lets synced$ emit: there is nothing durable to wait for",
    (operation) => {
      marbles((m) => {
        const store = new ScriptedStore({ scheduler: m.scheduler });
        store.failNext("no disk", operation);
        const { tracker, problems$ } = trackerIn(m, { store, sync$: m.hot("-x-", { x: step("s1") }) });
        m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-x-", { x: "s1" });
        m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      })();
    },
  );

  it(
    "for a newer version wrote it is left as it is, and replaced by memory",
    marbles((m) => {
      const store = storeWith(
        [OWNER, { userId: ALICE, format: 2, lifetime: "x" }],
        [["state", BOB], { revision: "of a new kind" }],
      );
      const { tracker, problems$ } = trackerIn(m, { store, sync$: m.hot("-x-", { x: step("s1") }) });
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-x-", { x: "s1" });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      m.expectObservable(store.syncToken$, "--^").toBe("--(t|)", { t: undefined });
    }),
  );
});

describe("damaged records", () => {
  it(
    "of a list have the server asked, and are told",
    marbles((m) => {
      const store = savedWithBob(m);
      put(store, [listKey(BOB), { revision: 1, list: "?" }]);
      const { lookup, problems } = trackerIn(m, { store, answers: [m.cold("-(b|)", { b: B2 })] });
      m.expectObservable(lookup([BOB])).toBe("-(b|)", { b: ["bob B2 current"] });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "list", ids: [BOB] }]);
      });
    }),
  );

  it(
    "of a list that names another's device are not trusted",
    marbles((m) => {
      const store = savedWithBob(m);
      store
        .read([listKey(BOB)])
        .subscribe(([record]) => put(store, [listKey(CAROL), record], [["state", CAROL], { revision: 1, listed: 1 }]));
      const { lookup } = trackerIn(m, { store, answers: [of(answer({ [CAROL]: ["C1"] }))] });
      m.expectObservable(lookup([CAROL])).toBe("(b|)", { b: ["carol C1 current"] });
    }),
  );

  it(
    "of a user's state leave them tracked and outdated, and are told",
    marbles((m) => {
      const store = savedWithBob(m);
      put(store, [["state", BOB], "?"]);
      const { lookup, problems } = trackerIn(m, { store, answers: [of(B2)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B2 current"] });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "state", ids: [BOB] }]);
      });
    }),
  );

  it.each(["sync", "epoch"])("of the account (%s) make everyone outdated, and are told", (id) => {
    marbles((m) => {
      const store = savedWithBob(m);
      put(store, [["account", id], "?"]);
      const { lookup, problems } = trackerIn(m, { store, answers: [of(B2)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B2 current"] });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "account", ids: [id] }]);
      });
    })();
  });

  it(
    "of the owner have everything forgotten: nobody can tell whose it is",
    marbles((m) => {
      const store = savedWithBob(m);
      put(store, [OWNER, "?"]);
      const { lookup, problems } = trackerIn(m, { store, answers: [of(B2)] });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B2 untracked"] });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "account", ids: ["owner"] }]);
        expect(savedIds(store, "list")).toEqual([]);
      });
    }),
  );
});
