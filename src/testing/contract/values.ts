import { map, tap } from "rxjs";
import type { RecordKey } from "../../store/device-store.js";
import { ALICE, emits, equal, inTurn, type StorePromise, write } from "./steps.js";

const IDS = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "\u0000",
  "[]",
  "a|b",
  "ü",
  "e\u0301",
  "\u00e9",
  "😀",
  "\ud800",
  "\uffff",
  `@${"x".repeat(10_000)}:y`,
];

const VALUES = [
  new Map([["__proto__", new Set(["a"])]]),
  { a: undefined },
  [],
  [1, [2]],
  "",
  0,
  null,
  false,
  -1.5,
  new Uint8Array([1, 2]),
];

const JSON_WITH_ODD_NAMES =
  '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":{"__proto__":"k"}}';

export const values: readonly StorePromise[] = [
  ...IDS.map((id): StorePromise => ({
    title: `a record can have the ID ${JSON.stringify(id.slice(0, 20))}`,
    steps: (store) =>
      inTurn(
        write(store, [[["list", id], { of: id }]]),
        emits(store.read([["list", id]]), [{ of: id }]),
        emits(store.readKinds(["list"]), [new Map([[id, { of: id }]])]),
        write(store, [], [["list", id]]),
        emits(store.read([["list", id]]), [undefined]),
      ),
  })),
  {
    title: "similar IDs are different IDs",
    steps: (store) =>
      inTurn(
        write(
          store,
          IDS.map((id, i) => [["list", id], i]),
        ),
        emits(
          store.read(IDS.map((id): RecordKey => ["list", id])),
          IDS.map((_, i) => i),
        ),
        emits(store.readKinds(["list"]), [new Map(IDS.map((id, i) => [id, i]))]),
      ),
  },
  ...["", "__proto__", "constructor"].map((kind): StorePromise => ({
    title: `records can be of the kind ${JSON.stringify(kind)}`,
    steps: (store) =>
      inTurn(write(store, [[[kind, "__proto__"], 1]]), emits(store.readKinds([kind]), [new Map([["__proto__", 1]])])),
  })),
  {
    title: "properties such as __proto__ are kept, and pollute nothing",
    steps: (store) =>
      inTurn(
        write(store, [[ALICE, JSON.parse(JSON_WITH_ODD_NAMES)]]),
        emits(store.read([ALICE]).pipe(map(([record]) => JSON.stringify(record))), JSON_WITH_ODD_NAMES).pipe(
          tap(() => equal("a property of every object", ({} as { polluted?: unknown }).polluted, undefined)),
        ),
      ),
  },
  {
    title: "Maps, Sets, bytes, undefined, arrays and primitives are kept as they are",
    steps: (store) =>
      inTurn(
        write(
          store,
          VALUES.map((value, i) => [["list", `${i}`], value]),
        ),
        emits(store.read(VALUES.map((_, i): RecordKey => ["list", `${i}`])), VALUES),
      ),
  },
];
