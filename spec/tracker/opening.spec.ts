import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError, StoreOwnerError } from "../../src/model/errors.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { OWNER, STORE_FORMAT } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { StoreOpening, type Opened } from "../../src/tracker/opening.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, storeWith } from "../support/saved.js";
import { OWNED_BY_ALICE, storeOfAlice } from "../store/in-store.js";
import { ALICE, BOB } from "../support/users.js";

/** Alice's store being opened, and what is reported meanwhile. */
function openingIn(m: Marbles, records: DeviceStore = storeOfAlice()) {
  const store = new ScriptedStore({ scheduler: m.scheduler, records });
  const commits$ = new Subject<unknown>();
  const scheduler = new CountingScheduler(m.scheduler);
  const events: string[] = [];
  const problems: TrackerProblem[] = [];
  const opening = new StoreOpening({
    store: { ...operationsOf(store), commits$ },
    userId: ALICE,
    lifetime: "new life",
    scheduler,
    standsIn: true,
    hear: (announcement) => events.push(`heard ${String(announcement)}`),
    report: (problem) => problems.push(problem),
    reopened: ({ owner }) => {
      events.push(`reopened ${owner.lifetime}`);
      opening.follow();
    },
    cleared: () => events.push("cleared"),
  });
  const opened: Opened[] = [];
  const errors: unknown[] = [];
  const open = () => {
    opening.open().subscribe({ next: (one) => opened.push(one), error: (error: unknown) => errors.push(error) });
  };
  return { store, commits$, scheduler, opening, events, problems, opened, errors, open };
}

const operationsOf = (store: DeviceStore): DeviceStore => ({
  syncToken$: store.syncToken$,
  commits$: store.commits$,
  clear: () => store.clear(),
  read: (keys) => store.read(keys),
  readKinds: (kinds) => store.readKinds(kinds),
  update: (keys, change) => store.update(keys, change),
});

describe("a store that can be opened", () => {
  it(
    "is the one that the tracker begins with",
    marbles((m) => {
      const { open, opened, problems, scheduler } = openingIn(m);
      open();
      expect(opened).toMatchObject([{ saved: { owner: OWNED_BY_ALICE } }]);
      expect(saved(opened[0]!.store, OWNER)).toEqual(OWNED_BY_ALICE);
      expect([problems, scheduler.pending]).toEqual([[], 0]);
    }),
  );

  it(
    "has what is announced while its state is read followed once that is in memory",
    marbles((m) => {
      const { open, opening, store, commits$, events } = openingIn(m);
      store.takes = 2;
      open();
      m.acts("a---b--c", {
        a: () => commits$.next("first"),
        b: () => commits$.next("second"),
        c: () => commits$.next("third"),
      });
      m.acts("-----f", {
        f: () => {
          expect(events).toEqual([]);
          opening.follow();
          expect(events).toEqual(["heard first", "heard second"]);
        },
      });
      m.afterwards(() => {
        expect(events).toEqual(["heard first", "heard second", "heard third"]);
      });
    }),
  );

  it(
    "is refused if it is another account's",
    marbles((m) => {
      const theirs = storeWith([OWNER, { ...OWNED_BY_ALICE, userId: BOB }]);
      const { open, opened, errors, problems, scheduler } = openingIn(m, theirs);
      open();
      expect([opened, errors, problems]).toEqual([[], [new StoreOwnerError(BOB, ALICE)], []]);
      expect(scheduler.pending).toBe(0);
    }),
  );
});

describe("a store that cannot be opened", () => {
  it(
    "is replaced by memory in a life of its own, and reported once",
    marbles((m) => {
      const { open, opening, opened, problems, store } = openingIn(m, memoryStore());
      for (let i = 0; i < 5; i++) store.failNext("no disk");
      open();
      m.acts("60m c", { c: () => opening.close() });
      m.afterwards(() => {
        expect(opened).toMatchObject([{ saved: { owner: { lostPins: true } } }]);
        expect(opened[0]?.saved.owner.lifetime).not.toBe(
          (saved(store.records, OWNER) as typeof OWNED_BY_ALICE).lifetime,
        );
        expect(problems).toMatchObject([{ type: "store-unavailable", error: "no disk", retryIn: 30_000 }]);
      });
    }),
  );

  it(
    "is tried again, and what is announced while it is read is followed then",
    marbles((m) => {
      const { open, opening, store, commits$, events } = openingIn(m);
      store.failNext("no disk");
      store.failNext("no disk");
      open();
      opening.follow(); // memory is in place
      store.takes = 5;
      const announce = (what: string) => () => commits$.next(what);
      // The second try lasts until 30005, the third one from 90005 to 90015.
      m.acts("30001ms a 9ms b 59999ms c 9ms d", {
        a: announce("a"),
        b: announce("b"),
        c: announce("c"),
        d: announce("d"),
      });
      m.afterwards(() => {
        expect(events).toEqual(["heard b", "reopened x", "heard c", "heard d"]);
      });
    }),
  );

  it(
    "is not tried again if a newer version wrote it",
    marbles((m) => {
      const newer = storeWith([OWNER, { ...OWNED_BY_ALICE, format: STORE_FORMAT + 1 }]);
      const { open, opened, problems, scheduler } = openingIn(m, newer);
      open();
      expect(opened).toMatchObject([{ saved: { owner: { lostPins: true } } }]);
      expect(problems).toMatchObject([{ type: "store-unavailable", retryIn: undefined }]);
      expect(scheduler.pending).toBe(0);
    }),
  );

  it(
    "is reported as final if it turns out to be another account's",
    marbles((m) => {
      const { open, store, problems, scheduler, events } = openingIn(m, memoryStore());
      store.failNext("no disk");
      put(store.records, [OWNER, { ...OWNED_BY_ALICE, userId: BOB }]);
      open();
      m.afterwards(() => {
        const error = new StoreOwnerError(BOB, ALICE);
        expect(problems).toMatchObject([
          { error: "no disk", retryIn: 30_000 },
          { error, retryIn: undefined },
        ]);
        expect([events, scheduler.pending]).toEqual([[], 0]);
      });
    }),
  );

  it(
    "is not claimed again if it was cleared since its owner was read",
    marbles((m) => {
      const { open, store, events, problems } = openingIn(m);
      store.failNext("no disk", "readKinds");
      open();
      m.acts("-c", { c: () => store.records.clear().subscribe() });
      m.afterwards(() => {
        expect([events, saved(store.records, OWNER)]).toEqual([["cleared"], undefined]);
        expect(problems).toHaveLength(1);
      });
    }),
  );

  it(
    "ends the tracker if it was cleared while it was read",
    marbles((m) => {
      const { open, store, events, errors, problems } = openingIn(m);
      store.takes = 2;
      open();
      m.acts("---c", { c: () => store.records.clear().subscribe() });
      m.afterwards(() => {
        expect([events, errors, problems]).toEqual([["cleared"], [new StoreClearedError()], []]);
      });
    }),
  );

  it(
    "leaves no timer after close(), and nothing is heard",
    marbles((m) => {
      const { open, opening, store, commits$, scheduler, events } = openingIn(m);
      store.failNext("no disk");
      open();
      opening.follow();
      expect(scheduler.pending).toBe(1);
      opening.close();
      commits$.next("late");
      expect([scheduler.pending, events]).toEqual([0, []]);
    }),
  );
});
