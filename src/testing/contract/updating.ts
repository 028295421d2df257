import { concatMap, defer, forkJoin, merge, tap } from "rxjs";
import type { RecordKey } from "../../store/device-store.js";
import {
  ALICE,
  BOB,
  check,
  COUNTER,
  emits,
  equal,
  failsWith,
  increment,
  inTurn,
  type StorePromise,
  write,
  written,
} from "./steps.js";

export const updating: readonly StorePromise[] = [
  {
    title: "an update receives the records in the order of the keys, and emits its result",
    steps: (store) =>
      inTurn(
        write(store, [[ALICE, 1]]),
        emits(
          store.update([BOB, ALICE], (saved) => ({ puts: [], deletes: [], result: [...saved] })),
          [undefined, 1],
        ),
      ),
  },
  {
    title: "an update is visible to readers once it has emitted",
    steps: (store, reopen) => {
      const other = reopen();
      const readBoth = () => forkJoin([store.read([ALICE]), other.read([ALICE])]);
      return emits(store.update([], () => written([[ALICE, 1]])).pipe(concatMap(readBoth)), [[1], [1]]);
    },
  },
  {
    title: "an update replaces and deletes records",
    steps: (store) =>
      inTurn(
        write(store, [
          [ALICE, 1],
          [BOB, 1],
        ]),
        write(store, [[ALICE, 2]], [BOB]),
        emits(store.read([ALICE, BOB]), [2, undefined]),
      ),
  },
  {
    title: "the last of two records for one key is kept",
    steps: (store) =>
      inTurn(
        write(store, [
          [ALICE, 1],
          [ALICE, 2],
        ]),
        emits(store.read([ALICE]), [2]),
      ),
  },
  {
    title: "an update whose function throws fails with that error and writes nothing",
    steps: (store) => {
      const error = new Error("thrown by the function of an update");
      const failing$ = store.update([ALICE], () => {
        throw error;
      });
      return inTurn(
        write(store, [[ALICE, 1]]),
        failsWith(failing$, error),
        emits(store.readKinds(["state"]), [new Map([[ALICE[1], 1]])]),
      );
    },
  },
  {
    title: "an update that fails does not hold up the next one",
    steps: (store) => {
      const error = new Error("thrown by the function of an update");
      const failing$ = store.update([ALICE], () => {
        throw error;
      });
      return inTurn(merge(failsWith(failing$, error), write(store, [[ALICE, 1]])), emits(store.read([ALICE]), [1]));
    },
  },
  {
    title: "a hundred updates at once run one after the other, in order",
    steps: (store) =>
      inTurn(
        forkJoin(Array.from({ length: 100 }, () => increment(store))).pipe(
          tap((counts) =>
            equal(
              "the results",
              counts,
              Array.from(counts, (_, i) => i + 1),
            ),
          ),
        ),
        emits(store.read([COUNTER]), [100]),
      ),
  },
  {
    title: "updates of two stores on the same data run one after the other",
    steps: (store, reopen) => {
      const other = reopen();
      return inTurn(
        forkJoin(Array.from({ length: 50 }, (_, i) => increment(i % 2 === 0 ? store : other))),
        emits(other.read([COUNTER]), [50]),
      );
    },
  },
  {
    title: "an update unsubscribed early emits nothing, and took effect fully or not at all",
    steps: (store) => {
      const emitted: unknown[] = [];
      const pair$ = store.update([ALICE], () =>
        written([
          [ALICE, 1],
          [BOB, 1],
        ]),
      );
      return defer(() => {
        const subscription = pair$.subscribe((value) => emitted.push(value));
        const soFar = emitted.length;
        subscription.unsubscribe();
        return inTurn(
          store.read([ALICE, BOB]).pipe(tap(([a, b]) => equal("the records of one update", a, b))),
          check("values emitted after unsubscribing", () => emitted.length - soFar, 0),
        );
      });
    },
  },
  {
    title: "clear() deletes everything",
    steps: (store, reopen) =>
      inTurn(
        write(store, [
          [ALICE, 1],
          [["list", "x"], 2],
        ]),
        emits(store.clear(), undefined),
        emits(store.readKinds(["state", "list"]), [new Map(), new Map()]),
        emits(reopen().read([ALICE]), [undefined]),
      ),
  },
  {
    title: "an update after clear() sees that everything is gone",
    steps: (store) => {
      const owner: RecordKey = ["account", "owner"];
      const writeIfOwned$ = store.update([owner], ([me]) => written(me === undefined ? [] : [[ALICE, me]]));
      return inTurn(
        write(store, [[owner, "me"]]),
        forkJoin([writeIfOwned$, store.clear(), writeIfOwned$]),
        emits(store.read([owner, ALICE]), [undefined, undefined]),
      );
    },
  },
  {
    title: "a store can be written after clear()",
    steps: (store) => inTurn(store.clear(), write(store, [[ALICE, 1]]), emits(store.read([ALICE]), [1])),
  },
];
