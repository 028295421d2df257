import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonLength, own, sameJson } from "../../src/keys/json.js";
import { isObject } from "../../src/model/json.js";

/** `{"a":{"a":…}}`, or the same with arrays, as `JSON.parse` accepts it. */
const nested = (depth: number, open = '{"a":', close = "}"): unknown =>
  JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`);
const parse = (json: string): unknown => JSON.parse(json);

describe("jsonLength", () => {
  it("is not much less than the real length", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const length = jsonLength(value, 1_000_000, 64);
        // An approximation, because numbers and escapes are estimated. The factor bounds what an accepted list takes on
        // disk.
        expect(length).toBeDefined();
        expect(JSON.stringify(value).length).toBeLessThanOrEqual((length ?? 0) * 6 + 20);
      }),
    );
  });

  it("does not depend on the limit, and is undefined beyond it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(100), (value, more) => {
        const length = jsonLength(value, 1_000_000, 64) ?? 0;
        expect(jsonLength(value, length + more, 64)).toBe(length);
        expect(jsonLength(value, length - 1 - more, 64)).toBeUndefined();
      }),
    );
  });

  it("counts the names of properties, too", () => {
    expect(jsonLength({ ["x".repeat(1_000)]: 1 }, 500, 5)).toBeUndefined();
    expect(jsonLength(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, 0])), 500, 5)).toBeUndefined();
  });

  it("is undefined beyond the depth limit, without overflowing the stack", () => {
    expect(jsonLength(nested(32), 1_000, 32)).toBeDefined();
    expect(jsonLength(nested(33), 1_000, 32)).toBeUndefined();
    for (const deep of [nested(200_000), nested(200_000, "[", "]")])
      expect(jsonLength(deep, 1_000_000_000, 32)).toBeUndefined();
  });

  it("takes time in the limit, not in the size of the value", () => {
    const items: unknown[] = [];
    let read = 0;
    for (let i = 0; i < 100_000; i++) Object.defineProperty(items, i, { get: () => void read++ });
    expect(jsonLength(new Array(100_000).fill("x"), 1_000, 5)).toBeUndefined();
    expect(jsonLength(items, 1_000, 5)).toBeUndefined();
    expect(read).toBeLessThan(1_000);
  });

  it.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["bytes", new Uint8Array(2)],
    ["an instance of a class", new Error("x")],
    ["undefined in an object", { a: undefined }],
    ["undefined in an array", [undefined]],
    ["a hole in an array", new Array<unknown>(2)],
  ])("is undefined for %s, which is not JSON", (_, value) => {
    expect(jsonLength(value, 1_000, 5)).toBeUndefined();
    expect(jsonLength({ a: [value] }, 1_000, 5)).toBeUndefined();
  });

  it("ends for a value that contains itself", () => {
    const self: unknown[] = [];
    self.push(self, self, self);
    expect(jsonLength(self, 65_536, 32)).toBeUndefined();
  });

  it("accepts objects without a prototype or from another realm", () => {
    expect(jsonLength(Object.assign(Object.create(null) as object, { a: 1 }), 100, 5)).toBeDefined();
    expect(jsonLength(runInNewContext('({ a: [{ b: "c" }] })'), 100, 5)).toBeDefined();
  });

  it("counts a property called __proto__ like any other", () => {
    const long = "x".repeat(1_000);
    expect(jsonLength(parse(`{"__proto__":"${long}"}`), 500, 5)).toBeUndefined();
    expect(jsonLength(parse(`{"__proto__":{"__proto__":{"a":1}}}`), 500, 2)).toBeUndefined();
    expect(jsonLength(parse(`{"__proto__":{"a":1}}`), 500, 2)).toBeDefined();
  });
});

describe("own", () => {
  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "returns %s only if it is an own property",
    (name) => {
      expect(own({}, name)).toBeUndefined();
      expect(own(parse(`{"${name}":5}`) as Record<string, unknown>, name)).toBe(5);
    },
  );
});

describe("sameJson", () => {
  it("is true for a copy, in any order of properties", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const reversed = parse(
          JSON.stringify(value, (_, item: unknown) =>
            isObject(item) ? Object.fromEntries(Object.entries(item).reverse()) : item,
          ),
        );
        expect(sameJson(value, parse(JSON.stringify(value)))).toBe(true);
        expect(sameJson(parse(JSON.stringify(value)), reversed)).toBe(true);
      }),
    );
  });

  it("is true only if the JSON of both values is the same", () => {
    const sorted = (value: unknown): string =>
      JSON.stringify(value, (_, item: unknown) =>
        isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
      );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (a, b) => {
        expect(sameJson(a, b)).toBe(sorted(a) === sorted(b) || (a === 0 && b === 0));
      }),
    );
  });

  it.each([
    ["{}", "[]"],
    ["[]", "{}"],
    ["null", "{}"],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ["[1,2]", "[2,1]"],
    ["[1]", "[1,1]"],
    ['{"__proto__":1}', "{}"],
    ['{"__proto__":null}', '{"x":null}'],
    ['{"toString":1}', '{"valueOf":1}'],
    ['"1"', "1"],
  ])("distinguishes %s from %s", (a, b) => {
    expect([sameJson(parse(a), parse(b)), sameJson(parse(b), parse(a))]).toEqual([false, false]);
  });
});
