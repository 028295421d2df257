import { concatMap, forkJoin, map, range, tap } from "rxjs";
import type { RecordKey } from "../../store/device-store.js";
import { ALICE, BOB, check, emits, equal, inTurn, type StorePromise, write, written } from "./steps.js";

const userKeys = (count: number) =>
  Array.from({ length: count }, (_, i): RecordKey => ["list", `@user${i}:example.org`]);

export const reading: readonly StorePromise[] = [
  {
    title: "read() returns the records in the order of the keys",
    steps: (store) =>
      inTurn(
        write(store, [
          [ALICE, { revision: 1 }],
          [BOB, { revision: 2 }],
        ]),
        emits(store.read([BOB, ["state", "@nobody:example.org"], ALICE, BOB]), [
          { revision: 2 },
          undefined,
          { revision: 1 },
          { revision: 2 },
        ]),
      ),
  },
  {
    title: "read() of no keys returns no records",
    steps: (store) => emits(store.read([]), []),
  },
  {
    title: "kinds are kept apart",
    steps: (store) =>
      inTurn(
        write(store, [
          [["state", "x"], "a state"],
          [["list", "x"], "a list"],
        ]),
        emits(
          store.read([
            ["list", "x"],
            ["state", "x"],
          ]),
          ["a list", "a state"],
        ),
      ),
  },
  {
    title: "readKinds() returns all records of each kind, in the order of the kinds",
    steps: (store) =>
      inTurn(
        write(store, [
          [["list", "a"], 1],
          [["list", "b"], 2],
          [["lis", "c"], 3],
          [["list2", "d"], 4],
          [["state", "a"], 5],
        ]),
        emits(store.readKinds(["state", "none", "list"]), [
          new Map([["a", 5]]),
          new Map(),
          new Map([
            ["a", 1],
            ["b", 2],
          ]),
        ]),
      ),
  },
  {
    title: "readKinds() of no kinds returns no maps",
    steps: (store) => emits(store.readKinds([]), []),
  },
  {
    title: "a map returned by readKinds() is not changed by later updates",
    steps: (store) => {
      let before: readonly ReadonlyMap<string, unknown>[] = [];
      return inTurn(
        write(store, [[ALICE, 1]]),
        store.readKinds(["state"]).pipe(tap((maps) => (before = maps))),
        write(store, [[BOB, 2]], [ALICE]),
        check("the map", () => before, [new Map([[ALICE[1], 1]])]),
      );
    },
  },
  {
    title: "a thousand records are read by their keys and by their kind",
    steps: (store) => {
      const puts = userKeys(1_000).map((key, i) => [key, i] as const);
      return inTurn(
        write(store, puts),
        emits(
          store.read(puts.map(([key]) => key)),
          puts.map(([, i]) => i),
        ),
        emits(store.readKinds(["list"]), [new Map(puts.map(([[, id], i]) => [id, i]))]),
      );
    },
  },
  {
    title: "a read sees all records of an update or none",
    steps: (store, reopen) => {
      const other = reopen();
      const readDuring = (i: number) => {
        const both = written([
          [ALICE, i],
          [BOB, i],
        ]);
        return forkJoin([store.update([], () => both), store.read([ALICE, BOB]), other.read([ALICE, BOB])]);
      };
      return range(1, 20).pipe(
        concatMap(readDuring),
        tap(([, own, others]) => {
          for (const [a, b] of [own, others]) equal("the records of one update", a, b);
        }),
      );
    },
  },
  {
    title: "other stores on the same data read what was written",
    steps: (store, reopen) =>
      inTurn(write(store, [[ALICE, new Map([["a", 1]])]]), emits(reopen().read([ALICE]), [new Map([["a", 1]])])),
  },
  {
    title: "operations run at each subscription, and not before",
    steps: (store) => {
      const write$ = store.update([ALICE], ([count = 0]) => written([[ALICE, (count as number) + 1]]));
      const read$ = store.read([ALICE]);
      const size$ = store.readKinds(["state"]).pipe(map(([states]) => states?.size));
      const clear$ = store.clear();
      return inTurn(
        ...[emits(read$, [undefined]), emits(size$, 0)],
        ...[write$, write$, emits(read$, [2]), emits(size$, 1)],
        ...[clear$, emits(read$, [undefined]), write$, emits(read$, [1]), clear$, emits(read$, [undefined])],
      );
    },
  },
];
