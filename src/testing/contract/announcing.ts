import { concatMap, defer, forkJoin, map, type Observable, take, tap, toArray } from "rxjs";
import type { DeviceStore } from "../../store/device-store.js";
import {
  ALICE,
  announce,
  announcedUntilEnd,
  announces,
  check,
  COUNTER,
  emits,
  equal,
  failsWith,
  inTurn,
  type StorePromise,
  THE_END,
  write,
} from "./steps.js";

/** Anything that can be cloned can be announced, except `undefined`. */
const ANNOUNCEMENTS = [1, { users: new Map([["@a:x", new Set([1])]]) }, "text", 0, "", false, null, [undefined]];

const announceAll = (store: DeviceStore) =>
  inTurn(...ANNOUNCEMENTS.map((announcement) => announce(store, announcement)));

/** Writes and announces what is written. */
const announcedWrite = (store: DeviceStore): Observable<string> =>
  store.update([], () => ({ puts: [[ALICE, 1]], deletes: [], result: "the result", announce: 1 }));

/** Runs this many updates at once; each announces their number so far. */
const countAtOnce = (store: DeviceStore, times: number) =>
  forkJoin(
    Array.from({ length: times }, () =>
      store.update([COUNTER], ([count = 0]) => {
        const next = (count as number) + 1;
        return { puts: [[COUNTER, next]], deletes: [], result: next, announce: next };
      }),
    ),
  );
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

export const announcing: readonly StorePromise[] = [
  {
    title: "commits$ emits what updates announce",
    steps: (store) => announces(store, store, announceAll(store), ANNOUNCEMENTS),
  },
  {
    title: "commits$ of other stores on the same data emits the same",
    steps: (store, reopen) => announces(reopen(), store, announceAll(store), ANNOUNCEMENTS),
  },
  {
    title: "commits$ emits in the order of the updates",
    steps: (store) => announces(store, store, countAtOnce(store, 50), upTo(50)),
  },
  {
    title: "commits$ of other stores emits in the order of the updates",
    steps: (store, reopen) => announces(reopen(), store, countAtOnce(store, 50), upTo(50)),
  },
  {
    title: "each subscriber of commits$ receives each announcement once",
    steps: (store, reopen) => {
      const other = reopen();
      const subscribers = [store, other, store, other].map(announcedUntilEnd);
      return forkJoin([forkJoin(subscribers), inTurn(countAtOnce(store, 3), announce(store, THE_END))]).pipe(
        tap(([announced]) => equal("the announcements by subscriber", announced, Array(4).fill([1, 2, 3]))),
      );
    },
  },
  {
    title: "stores that update at once receive each other's announcements",
    steps: (store, reopen) => {
      const other = reopen();
      const received = [store, other].map(({ commits$ }) => commits$.pipe(take(40), toArray()));
      return forkJoin([forkJoin(received), countAtOnce(store, 20), countAtOnce(other, 20)]).pipe(
        map(([announced]) => announced.map((counts) => (counts as number[]).sort((a, b) => a - b))),
        tap((announced) => equal("the announcements by store, sorted", announced, [upTo(40), upTo(40)])),
      );
    },
  },
  {
    title: "an announcement is emitted after the records have changed",
    steps: (store, reopen) => {
      const seenBy = (reader: DeviceStore) =>
        reader.commits$.pipe(
          take(1),
          concatMap(() => reader.read([ALICE])),
        );
      return emits(
        forkJoin([seenBy(store), seenBy(reopen()), announcedWrite(store)]).pipe(
          map(([seen, seenByOther]) => [seen, seenByOther]),
        ),
        [[1], [1]],
      );
    },
  },
  {
    title: "an announcement is emitted before the result of its update",
    steps: (store) => {
      const events: unknown[] = [];
      const log = tap((event: unknown) => events.push(event));
      return inTurn(
        forkJoin([store.commits$.pipe(take(1), log), announcedWrite(store).pipe(log)]),
        check("the events", () => events, [1, "the result"]),
      );
    },
  },
  {
    title: "an update that announces nothing emits nothing on commits$",
    steps: (store, reopen) => {
      const silent$ = inTurn(write(store, [[ALICE, 1]]), announce(store, undefined));
      return inTurn(...[store, reopen()].map((observer) => announces(observer, store, silent$, [])));
    },
  },
  {
    title: "an update whose function throws announces nothing, and ends no commits$",
    steps: (store, reopen) => {
      const error = new Error("thrown by the function of an update");
      const failing$ = store.update([ALICE], () => {
        throw error;
      });
      return inTurn(...[store, reopen()].map((observer) => announces(observer, store, failsWith(failing$, error), [])));
    },
  },
  {
    title: "clear() ends no commits$",
    steps: (store, reopen) => {
      const steps$ = inTurn(announce(store, 1), store.clear(), announce(store, 2));
      return inTurn(...[store, reopen()].map((observer) => announces(observer, store, steps$, [1, 2])));
    },
  },
  {
    title: "an update unsubscribed early is announced if it took effect, and only then",
    steps: (store) => {
      const interrupted$ = defer(() => {
        announcedWrite(store).subscribe().unsubscribe();
        return announce(store, THE_END);
      });
      return forkJoin([announcedUntilEnd(store), interrupted$]).pipe(
        concatMap(([announced]) =>
          store.read([ALICE]).pipe(tap(([record]) => equal("the announcements", announced, record === 1 ? [1] : []))),
        ),
      );
    },
  },
  {
    title: "commits$ does not repeat earlier announcements",
    steps: (store) => inTurn(announce(store, 1), announces(store, store, announce(store, 2), [2])),
  },
  {
    title: "an update made from within an announcement is announced after it",
    steps: (store) => {
      const events: unknown[] = [];
      const log = tap((event: unknown) => events.push(event));
      const reaction$ = store.commits$.pipe(
        take(1),
        concatMap(() => announcedWrite(store)),
        log,
      );
      const subscriber$ = store.commits$.pipe(take(2), toArray());
      return inTurn(
        forkJoin([
          store.commits$.pipe(take(2), log),
          reaction$,
          emits(subscriber$, ["first", 1]),
          announce(store, "first"),
        ]),
        check("the events", () => events, ["first", 1, "the result"]),
      );
    },
  },
  {
    title: "an update made from within a result is announced after it",
    steps: (store) =>
      announces(store, store, announce(store, "first").pipe(concatMap(() => announcedWrite(store))), ["first", 1]),
  },
];
