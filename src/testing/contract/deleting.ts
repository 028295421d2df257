import type { RecordKey } from "../../store/device-store.js";
import { ALICE, BOB, emits, inTurn, type StorePromise, write } from "./steps.js";

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i): RecordKey => ["log", String(from + i)]);

/**
 * Writes a record for each number below 200 and some of other kinds, deletes some, and checks that the others remain.
 */
const deletion = (title: string, deleted: readonly RecordKey[]): StorePromise => ({
  title,
  steps: (store) => {
    const neighbors: readonly RecordKey[] = [
      ["lof", "1"],
      ["log!", "1"],
      ["loh", "1"],
    ];
    const gone = new Set(deleted.map(([, id]) => id));
    const kept = numbered(0, 200).filter(([, id]) => !gone.has(id));
    return inTurn(
      write(
        store,
        [...numbered(0, 200), ...neighbors].map((key) => [key, key[1]]),
      ),
      write(store, [], deleted),
      emits(store.readKinds(["log"]), [new Map(kept.map(([, id]) => [id, id]))]),
      emits(store.read(neighbors), ["1", "1", "1"]),
    );
  },
});

export const deleting: readonly StorePromise[] = [
  {
    title: "deleting a record that does not exist is not an error",
    steps: (store) => inTurn(write(store, [[ALICE, 1]], [BOB]), emits(store.read([ALICE, BOB]), [1, undefined])),
  },
  deletion("many records of a kind can be deleted at once", numbered(0, 150)),
  deletion("records between those that are deleted are kept", [...numbered(0, 50), ...numbered(60, 110)]),
  deletion("deleting many records, most of which do not exist", numbered(190, 400)),
  deletion(
    "deleting every tenth record",
    numbered(0, 200).filter((_, i) => i % 10 === 0),
  ),
  {
    title: "a record that is both put and deleted is put",
    steps: (store) =>
      inTurn(write(store, [[ALICE, 1]]), write(store, [[ALICE, 2]], [ALICE]), emits(store.read([ALICE]), [2])),
  },
];
