import { from, map, NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ListRecord } from "../../src/lists/list-record.js";
import { StoreOwnerError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { listKey, OWNER, STORE_FORMAT, SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved } from "../support/saved.js";
import { otherTab, setUp, type SetUp, type UnderTest } from "../support/set-up.js";
import { curveName, identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { localpart } from "../support/summary.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { step } from "../support/wire.js";

const bobWith = (key: string, master: string): KeysQueryResponse =>
  together(listOf(BOB, signed(BOB, "B1", { key })), identityOf(BOB, master));

/** A store on what a former page has saved, which cannot be opened so many times. */
function unavailable(m: Marbles, { store }: Pick<UnderTest, "store">, times = 1): ScriptedStore {
  const next = new ScriptedStore({ scheduler: m.scheduler, records: store.records });
  for (let i = 0; i < times; i++) next.failNext("no disk");
  return next;
}

/** A page that stood on s5 when it was closed; Bob and Dave are tracked, and Bob's list is saved. */
function formerPage(m: Marbles): UnderTest {
  const former = setUp(m, {
    devices: { [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] },
    tracked: [BOB, DAVE],
    sync$: of(step("s5")),
  });
  former.lookup([BOB]).subscribe();
  former.tracker.close();
  return former;
}

/** The next page, whose store can be opened after 30 s. */
function nextPage(m: Marbles, former: UnderTest, options: SetUp = {}): UnderTest {
  return otherTab(m, former, { store: unavailable(m, former), ...options });
}

const names = ({ tracker }: Pick<UnderTest, "tracker">) =>
  tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).sort().join(" ")));

describe("while memory stands in for the store", () => {
  it(
    "no identity is called unchanged",
    marbles((m) => {
      const { publish, get } = trusting(m, { store: unavailable(m, setUp(m)) });
      publish("ab", { a: bobWith("one", "first"), b: bobWith("one", "other") });
      m.expectObservable(get(BOB, CAROL)).toBe("(b|)", {
        b: ["bob B1(one):s unknown current", "carol unknown current"],
      });
    }),
  );

  it(
    "an identity that is another one than a moment ago is changed",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { store: unavailable(m, setUp(m)) });
      publish("ab", { a: bobWith("one", "first"), b: bobWith("two", "other") });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", { b: ["bob B1(one):s unknown current"] });
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", { b: ["bob B1(one):s !B1:key-changed changed current"] });
    }),
  );

  it(
    "an identity is unchanged once a person has acknowledged it",
    marbles((m) => {
      const { publish, fetch, tracker } = trusting(m, { store: unavailable(m, setUp(m)) });
      publish("a", { a: bobWith("one", "first") });
      m.expectObservable(fetch(BOB), "^--").toBe("(b|)", { b: ["bob B1(one):s unknown current"] });
      m.expectObservable(tracker.acknowledgeIdentity(BOB, keyOf("firstM")), "-^-").toBe("-|");
      m.expectObservable(fetch(BOB), "--^").toBe("--(b|)", { b: ["bob B1(one):s unchanged current"] });
    }),
  );

  it(
    "a memoryStore() that the application passes is no stand-in",
    marbles((m) => {
      const { publish, get } = trusting(m);
      publish("a", { a: bobWith("one", "first") });
      m.expectObservable(get(BOB)).toBe("(b|)", { b: ["bob B1(one):s unchanged current"] });
    }),
  );
});

describe("a store that could not be opened", () => {
  it(
    "is tried again after 30 s, doubling to 10 min, and that is reported once",
    marbles((m) => {
      const { store, problems$ } = setUp(m, { store: unavailable(m, setUp(m), 8) });
      const tries: number[] = [];
      m.acts("30001ms a 59999ms b 119999ms c", {
        a: () => tries.push(store.begun.read),
        b: () => tries.push(store.begun.read),
        c: () => tries.push(store.begun.read),
      });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      m.afterwards(() => {
        expect(tries).toEqual([2, 3, 4]);
        expect(saved(store.records, SYNC)).toBeDefined();
      });
    }),
  );

  it(
    "is tried again after its first operation hung",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.hangNext();
      const { synced$ } = setUp(m, { store, sync$: m.hot("41s x", { x: step("s1") }), connected: true });
      m.expectObservable(synced$).toBe("10s s 30999ms x", { s: "s0", x: "s1" });
      m.acts("40001ms b", { b: () => expect(saved(store.records, SYNC)).toMatchObject({ token: "s0" }) });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ token: "s1" });
      });
    }),
  );

  it(
    "is not tried again after close()",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { tracker, store } = setUp(m, { store: unavailable(m, setUp(m), 8), scheduler });
      m.acts("40s c", { c: () => tracker.close() });
      m.afterwards(() => {
        expect(store.begun.read).toBe(2);
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "is left alone if it turns out to be another account's",
    marbles((m) => {
      const store = unavailable(m, setUp(m, { connected: false }));
      put(store.records, [OWNER, { userId: BOB, format: STORE_FORMAT, lifetime: "x" }]);
      const { problems$, problems, lookup } = setUp(m, { store, devices: { [BOB]: ["B1"] }, tracked: [BOB] });
      m.expectObservable(problems$).toBe("p 29999ms o", { p: "store-unavailable", o: "store-unavailable" });
      m.expectObservable(lookup([BOB]), "31s ^").toBe("31s (b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(problems.at(-1)).toMatchObject({ error: new StoreOwnerError(BOB, ALICE), retryIn: undefined });
        expect(store.begun).toEqual({ read: 2, readKinds: 0, update: 0, clear: 0 });
      });
    }),
  );

  it(
    "ends the tracker if it was cleared after its owner had been read",
    marbles((m) => {
      const former = formerPage(m);
      const store = new ScriptedStore({ scheduler: m.scheduler, records: former.store.records });
      store.failNext("no disk", "readKinds");
      const { problems$ } = nextPage(m, former, { store });
      m.acts("20s c", { c: () => store.records.clear().subscribe() });
      m.expectObservable(problems$).toBe("p 29999ms c", { p: "store-unavailable", c: "store-cleared" });
      m.afterwards(() => {
        expect(saved(store.records, OWNER)).toBeUndefined();
      });
    }),
  );
});

describe("when the store can be opened", () => {
  it(
    "lists are compared with its pins",
    marbles((m) => {
      const former = trusting(m);
      const account = bobWith("one", "first");
      former.publish("a-b 30s c", { a: account, b: bobWith("two", "other"), c: account });
      m.expectObservable(former.get(BOB)).toBe("(b|)", { b: ["bob B1(one):s unchanged current"] });
      m.acts("-c", { c: () => former.tracker.close() });
      const store = unavailable(m, former);
      const { fetch, get, tracker } = trustingAgain(m, former, { store });
      m.acts("-t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(get(BOB), "   ---^").toBe("---(b|)", { b: ["bob B1(two):s unknown current"] });
      m.expectObservable(get(BOB), "   30s -^").toBe("30s -(b|)", {
        b: ["bob B1(one):s !B1:key-changed changed current"],
      });
      m.expectObservable(fetch(BOB), " 31s ^").toBe("31s (b|)", { b: ["bob B1(one):s unchanged current"] });
    }),
  );

  it(
    "what memory pinned is pinned there, after what is",
    marbles((m) => {
      const former = trusting(m, { tracked: [] });
      former.publish("a 30s -b", { a: bobWith("one", "first"), b: bobWith("two", "other") });
      const { get, store } = trustingAgain(m, former, { store: unavailable(m, former) });
      m.expectObservable(get(BOB), "-^").toBe("-(b|)", { b: ["bob B1(one):s unknown untracked"] });
      m.acts("30s -c", {
        c: () => {
          const { pins } = saved(store.records, listKey(BOB)) as ListRecord;
          expect(pins).toMatchObject({ devices: new Map([["B1", keyOf("one")]]), masterKey: keyOf("firstM") });
          expect(pins).not.toHaveProperty("incomplete");
        },
      });
      m.expectObservable(get(BOB), "31s ^").toBe("31s (b|)", { b: ["bob !B1:key-changed changed untracked"] });
    }),
  );

  it(
    "what memory pinned is saved with the next list if it cannot be saved at once",
    marbles((m) => {
      const former = trusting(m, { tracked: [] });
      former.publish("a 30s -b", { a: bobWith("one", "first"), b: bobWith("two", "other") });
      const { get, store } = trustingAgain(m, former, { store: unavailable(m, former) });
      m.expectObservable(get(BOB), "-^").toBe("-(b|)", { b: ["bob B1(one):s unknown untracked"] });
      m.acts("29s f 1s c", {
        f: () => {
          for (let i = 0; i < 2; i++) store.failNext("busy", "update"); // the commit, and the announcement of that
        },
        c: () => expect(saved(store.records, listKey(BOB))).toBeUndefined(),
      });
      m.expectObservable(get(BOB), "39s ^").toBe("39s (b|)", { b: ["bob !B1:key-changed changed untracked"] });
    }),
  );

  it(
    "users whom memory tracks are tracked and outdated there, and others are not",
    marbles((m) => {
      const former = formerPage(m);
      const sync$ = m.hot("-x", { x: { since: null, next_batch: "t1" } });
      const { tracker, store, lookup, expectQueries } = nextPage(m, former, { sync$ });
      m.acts("--t", { t: () => tracker.track([BOB, CAROL]).subscribe() });
      m.expectObservable(lookup([BOB]), "---^").toBe("---(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB, CAROL, DAVE]), "30s -^").toBe("30s -(b|)", {
        b: ["bob B1 current", "carol C1 current", "dave D1 untracked"],
      });
      m.expectObservable(names({ tracker })).toBe("a-t", { a: "alice", t: "alice bob carol" });
      m.expectObservable(names(otherTab(m, former)), "32s ^").toBe("32s n", { n: "alice bob carol" });
      expectQueries("3-3 bob", "30001-30001 bob carol dave");
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ token: "t1" });
      });
    }),
  );

  it(
    "users whom only the store tracked are reported as a gap",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: null, next_batch: "t1" } });
      const { problems } = nextPage(m, formerPage(m), { sync$ });
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { type: "store-unavailable", retryIn: 30_000 },
          { type: "gap", from: "s5", to: "t1", caughtUp: false },
        ]);
      });
    }),
  );

  it(
    "all its users stay tracked if there was no response yet",
    marbles((m) => {
      const { tracker, lookup, problems$, expectQueries } = nextPage(m, formerPage(m));
      m.acts("-t", { t: () => tracker.track([CAROL]).subscribe() });
      m.expectObservable(names({ tracker })).toBe("at 29998ms u", {
        a: "alice",
        t: "alice carol",
        u: "alice bob carol dave",
      });
      m.expectObservable(lookup([BOB]), "30s -^").toBe("30s -(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("p", { p: "store-unavailable" });
      expectQueries();
    }),
  );

  it(
    "a user who left while memory stood in is not tracked",
    marbles((m) => {
      const former = formerPage(m);
      const sync$ = m.hot("-x-y", {
        x: { since: null, next_batch: "t1" },
        y: { since: "t1", next_batch: "t2", device_lists: { left: [BOB] } },
      });
      const { tracker } = nextPage(m, former, { sync$ });
      m.acts("--t", { t: () => tracker.track([BOB, CAROL]).subscribe() });
      m.expectObservable(names({ tracker })).toBe("a-tl", { a: "alice", t: "alice bob carol", l: "alice carol" });
      m.expectObservable(names(otherTab(m, former)), "32s ^").toBe("32s n", { n: "alice carol" });
    }),
  );

  it.each([1, 600])("a user who left %d commits ago is not tracked again, and that is reported", (count) => {
    marbles((m) => {
      const former = formerPage(m);
      const steps = Array.from({ length: count }, (_, i) => ({
        since: `s${i + 5}`,
        next_batch: `s${i + 6}`,
        device_lists: { left: i === 0 ? [BOB] : [] },
      }));
      otherTab(m, former, { sync$: from(steps) });
      const { tracker, problems } = nextPage(m, former);
      m.acts("-t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(names({ tracker })).toBe("at 29998ms u", { a: "alice", t: "alice bob", u: "alice dave" });
      m.expectObservable(names(otherTab(m, former)), "32s ^").toBe("32s n", { n: "alice dave" });
      m.afterwards(() => {
        const token = `s${count + 5}`;
        expect(problems).toMatchObject([
          { type: "store-unavailable" },
          { type: "gap", from: undefined, to: token, caughtUp: false },
        ]);
      });
    })();
  });

  it(
    "nothing is emitted for it, and the stream goes on from memory's token",
    marbles((m) => {
      const sync$ = m.hot("-x 31s y", {
        x: { since: null, next_batch: "t1" },
        y: { since: "t1", next_batch: "t2", device_lists: { changed: [CAROL] } },
      });
      const { tracker, store, synced$ } = nextPage(m, formerPage(m), { sync$ });
      const changes$ = tracker.deviceChanges$.pipe(map(({ changed }) => changed.map(localpart).join(" ")));
      m.expectObservable(changes$).toBe("-a 31s c", { a: "alice", c: "carol" });
      m.expectObservable(synced$).toBe("-x 31s y", { x: "t1", y: "t2" });
      m.expectObservable(tracker.applied$.pipe(map(({ next_batch }) => next_batch))).toBe("-x 31s y", {
        x: "t1",
        y: "t2",
      });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ token: "t2" });
      });
    }),
  );

  it(
    "a query in flight is superseded, and a caller from then on gets a new one",
    marbles((m) => {
      const former = formerPage(m);
      const { tracker, lookup, homeserver, expectQueries } = nextPage(m, former);
      homeserver.answerAfter = 10;
      m.acts("-t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(lookup([BOB]), "29995ms ^").toBe("30005ms (b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "30002ms ^").toBe("30012ms (b|)", { b: ["bob B1 current"] });
      expectQueries("29995-30005 bob", "30002-30012 bob");
    }),
  );

  it(
    "a watcher shows the users as superseded and queries them again",
    marbles((m) => {
      const former = formerPage(m);
      const { tracker, watch, homeserver } = nextPage(m, former);
      homeserver.answerAfter = 3;
      m.acts("-t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(watch([BOB]), "--^").toBe("-----b 29994ms s--c", {
        b: ["bob B1 current"],
        s: ["bob B1 superseded"],
        c: ["bob B1 current"],
      });
    }),
  );

  it(
    "a watched user who is not tracked is compared with its pins, too",
    marbles((m) => {
      const former = trusting(m, { tracked: [] });
      former.publish("a-b", { a: bobWith("one", "first"), b: bobWith("two", "other") });
      m.expectObservable(former.get(BOB)).toBe("(b|)", { b: ["bob B1(one):s unchanged untracked"] });
      const { watch } = trustingAgain(m, former, { store: unavailable(m, former) });
      m.expectObservable(watch(BOB), "---^").toBe("---u 29996ms c", {
        u: ["bob B1(two):s unknown untracked"],
        c: ["bob !B1:key-changed changed untracked"],
      });
    }),
  );

  it(
    "lists that only memory has are forgotten",
    marbles((m) => {
      const { tracker, lookup, known } = nextPage(m, formerPage(m));
      m.acts("-t", { t: () => tracker.track([CAROL]).subscribe() });
      m.expectObservable(lookup([CAROL]), "--^").toBe("--(c|)", { c: ["carol C1 current"] });
      m.expectObservable(known([BOB, CAROL]), "---^").toBe("---(k|)", { k: ["carol C1 current"] });
      m.expectObservable(known([BOB, CAROL]), "31s ^").toBe("31s (k|)", { k: ["bob B1 current"] });
    }),
  );

  it(
    "devices are found in its lists",
    marbles((m) => {
      const former = trusting(m);
      former.publish("a", { a: bobWith("one", "first") });
      m.expectObservable(former.get(BOB)).toBe("(b|)", { b: ["bob B1(one):s unchanged current"] });
      const { tracker } = trustingAgain(m, former, { store: unavailable(m, former) });
      const found$ = tracker.findDevice("curve25519", keyOf(curveName(BOB, "B1")));
      // Memory has a log of its own, which is longer, and an index up to its end.
      for (let i = 0; i < 3; i++) tracker.invalidate([ALICE]).subscribe();
      m.expectObservable(found$, "-^").toBe("-(n|)", { n: [] });
      m.expectObservable(found$, "31s ^").toBe("31s (d|)", { d: [{ userId: BOB, deviceId: "B1" }] });
    }),
  );

  it(
    "a commit of another tab, made while it was read, is not undone",
    marbles((m) => {
      const former = formerPage(m);
      const other = otherTab(m, former);
      const store = unavailable(m, former);
      const { tracker } = nextPage(m, former, { store });
      store.takes = 0;
      m.acts("-t", { t: () => tracker.track([CAROL]).subscribe() });
      // Its owner and its state are read until 30010. Its commit would take effect at 30015, and what it missed is read.
      m.acts("29s t", { t: () => (store.takes = 5) });
      m.acts("30012ms u", { u: () => other.tracker.untrack([DAVE]).subscribe() });
      m.expectObservable(names({ tracker })).toBe("at 30008ms u 19ms v", {
        a: "alice",
        t: "alice carol",
        u: "alice bob carol dave",
        v: "alice bob carol",
      });
      m.expectObservable(names(other), "31s ^").toBe("31s n", { n: "alice bob carol" });
    }),
  );

  it(
    "a step of another tab, made while it was read, makes memory's stream one that is behind",
    marbles((m) => {
      const former = formerPage(m);
      const ranges: unknown[] = [];
      const store = unavailable(m, former);
      const { tracker } = nextPage(m, former, {
        store,
        sync$: m.hot("-x 31s y", { x: { since: null, next_batch: "t1" }, y: { since: "t1", next_batch: "t2" } }),
        changes: (range) => {
          ranges.push(range);
          return of({ changed: [], left: [DAVE] });
        },
      });
      // As above. Everyone is outdated, and the next response of memory's stream closes the gap.
      m.acts("29s t", { t: () => (store.takes = 5) });
      otherTab(m, former, { sync$: m.hot("30012ms x", { x: { since: "s5", next_batch: "s6" } }) });
      m.acts("30100ms t", { t: () => (store.takes = 0) });
      m.expectObservable(names({ tracker })).toBe("a 30024ms b 976ms c", {
        a: "alice",
        b: "alice bob dave",
        c: "alice bob",
      });
      m.afterwards(() => {
        expect(ranges).toEqual([{ from: "s6", to: "t1" }]);
      });
    }),
  );

  it(
    "the commits of other tabs are followed from then on",
    marbles((m) => {
      const former = formerPage(m);
      const other = otherTab(m, former);
      const { tracker } = nextPage(m, former);
      m.acts("31s u 988ms v", {
        u: () => other.tracker.untrack([DAVE]).subscribe(),
        v: () => other.tracker.track([CAROL]).subscribe(),
      });
      m.expectObservable(names({ tracker })).toBe("a 29999ms u 999ms v 988ms w", {
        a: "alice",
        u: "alice bob dave",
        v: "alice bob",
        w: "alice bob carol",
      });
    }),
  );

  it(
    "it waits until a gap is closed",
    marbles((m) => {
      const former = formerPage(m);
      const sync$ = m.hot("-x 29s y", {
        x: { since: null, next_batch: "t1" },
        y: { since: "t3", next_batch: "t4" },
      });
      const changes = () => m.cold("2s (c|)", { c: { changed: [CAROL], left: [] } });
      const { store, tracker } = nextPage(m, former, { sync$, changes });
      m.acts("30500ms s 999ms t", {
        s: () => expect(saved(store.records, SYNC)).toMatchObject({ token: "s5" }),
        t: () => expect(saved(store.records, SYNC)).toMatchObject({ token: "t4" }),
      });
      m.expectObservable(names({ tracker })).toBe("a 31001ms c", { a: "alice", c: "alice carol" });
    }),
  );

  it(
    "other trackers on it are asked whether they are caught up",
    marbles((m) => {
      const former = formerPage(m);
      otherTab(m, former, { sync$: m.hot("-x", { x: { since: "s5", next_batch: "s6" } }) });
      const { tracker } = nextPage(m, former, { sync$: NEVER });
      m.expectObservable(tracker.caughtUp$).toBe("30s c", { c: undefined });
    }),
  );
});
