import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, signedBytes } from "../../src/keys/canonical-json.js";
import { MAX_DEVICE_DEPTH } from "../../src/keys/limits.js";

const RUNS = { numRuns: 2_000 };
const parse = (json: string): unknown => JSON.parse(json);
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(bytes);

/**
 * A second implementation of canonical JSON: sorts arrays of code points, and leaves the plain values to
 * `JSON.stringify`.
 */
function model(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(model).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => ({
    points: Array.from(name, (character) => character.codePointAt(0)!),
    json: `${JSON.stringify(name)}:${model(item)}`,
  }));
  const smaller = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((point, i) => point !== b[i]);
    return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
  };
  return `{${members
    .sort((a, b) => smaller(a.points, b.points))
    .map(({ json }) => json)
    .join(",")}}`;
}

const character = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 }),
  fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{1f600}",
    "\u{10ffff}",
    "\u2028",
    "\u0085",
    '"',
    "\\",
    "/",
  ),
);
const string = fc.array(character, { maxLength: 4 }).map((characters) => characters.join(""));
const name = fc.oneof(
  { weight: 6, arbitrary: string },
  {
    weight: 1,
    arbitrary: fc.constantFrom("__proto__", "constructor", "toJSON", "length", "0", "9", "10", "signatures"),
  },
);
const { value: anyJson } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    string,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  // As JSON.parse creates them: `__proto__` becomes an own property.
  object: fc.array(fc.tuple(name, tie("value")), { maxLength: 6 }).map((members) => {
    const object = {};
    for (const [key, value] of members)
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    return object;
  }),
}));

describe("canonicalJson", () => {
  // Matrix spec, appendices, "Canonical JSON", "Examples".
  it.each([
    ["{}", "{}"],
    [`{ "one": 1, "two": "Two" }`, `{"one":1,"two":"Two"}`],
    [`{ "b": "2", "a": "1" }`, `{"a":"1","b":"2"}`],
    [
      `{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}`,
      `{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}`,
    ],
    [`{ "a": "日本語" }`, `{"a":"日本語"}`],
    [`{ "本": 2, "日": 1 }`, `{"日":1,"本":2}`],
    [`{ "a": "\\u65E5" }`, `{"a":"日"}`],
    [`{ "a": null }`, `{"a":null}`],
    [`{ "a": -0, "b": 1e10 }`, `{"a":0,"b":10000000000}`],
  ])("encodes the example %s of the spec as %s", (json, canonical) => {
    expect(canonicalJson(parse(json))).toBe(canonical);
  });

  it("agrees with a second implementation on any JSON without fractions", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const json = canonicalJson(value);
        expect(json).toBe(model(value));
        expect(canonicalJson(parse(json!))).toBe(json);
      }),
      RUNS,
    );
  });

  it("sorts names by code point, not by UTF-16 code unit", () => {
    expect(canonicalJson({ "\ue000": 1, "\u{10000}": 2, "\uffff": 3, "\ud7ff": 4, "": 5, ab: 6, a: 7, B: 8 })).toBe(
      `{"":5,"B":8,"a":7,"ab":6,"\ud7ff":4,"\ue000":1,"\uffff":3,"\u{10000}":2}`,
    );
    expect(canonicalJson({ 10: 1, 9: 2, "a\u{1f600}": 3, "a\uff5e": 4 })).toBe(
      `{"10":1,"9":2,"a\uff5e":4,"a\u{1f600}":3}`,
    );
  });

  it("escapes exactly the characters that the grammar escapes", () => {
    for (let code = 0; code < 0x100; code++) {
      const short = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\" }[code];
      const written = short ?? (code < 0x20 ? `\\u00${code.toString(16).padStart(2, "0")}` : String.fromCharCode(code));
      expect(canonicalJson(String.fromCharCode(code))).toBe(`"${written}"`);
    }
    expect(canonicalJson("\u2028\u2029\ufeff\u{1f600}")).toBe(`"\u2028\u2029\ufeff\u{1f600}"`);
  });

  it.each(["\ud800", "\udfff", "a\udc00", "\ud83d\ud83d\ude00", "\ude00\ud83d"])(
    "is undefined for a lone surrogate, in strings and in names",
    (surrogate) => {
      expect([
        canonicalJson(surrogate),
        canonicalJson([surrogate]),
        canonicalJson({ [surrogate]: 1 }),
        canonicalJson({ a: { b: surrogate } }),
      ]).toEqual([undefined, undefined, undefined, undefined]);
    },
  );

  it("accepts integers from -(2^53)+1 to 2^53-1, and no other number", () => {
    expect(canonicalJson([2 ** 53 - 1, 1 - 2 ** 53, 0, -1, 1e15])).toBe(
      "[9007199254740991,-9007199254740991,0,-1,1000000000000000]",
    );
    for (const number of [2 ** 53, -(2 ** 53), 0.5, -1.5, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY])
      expect(canonicalJson({ a: [number] })).toBeUndefined();
  });

  it("encodes -0 as 0, like the example of the spec", () => {
    expect(canonicalJson([-0])).toBe("[0]");
  });

  it.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["bytes", new Uint8Array(2)],
    ["a boxed string", new String("x")],
    ["an instance of a class", new Error("x")],
    ["an object with a toJSON method", { toJSON: () => "x" }],
    ["a hole in an array", new Array<unknown>(2)],
  ])("is undefined for %s, at any depth", (_, value) => {
    expect([canonicalJson(value), canonicalJson({ a: value }), canonicalJson([[value]])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("encodes own properties only, including __proto__ and toJSON", () => {
    const json = `{"__proto__":{"toJSON":1},"constructor":"x","hasOwnProperty":null}`;
    expect(canonicalJson(parse(json))).toBe(json);
    expect(canonicalJson(Object.assign(Object.create(null) as object, { a: 1 }))).toBe(`{"a":1}`);
    expect(canonicalJson(Object.create({ a: 1 }))).toBeUndefined();
    expect(canonicalJson(runInNewContext('({ b: [{ c: "d" }], a: 1 })'))).toBe(`{"a":1,"b":[{"c":"d"}]}`);
  });

  it("is undefined beyond the depth limit, without overflowing the stack", () => {
    const nested = (depth: number, open: string, close: string): unknown =>
      parse(`${open.repeat(depth)}1${close.repeat(depth)}`);
    for (const [open, close] of [
      ["[", "]"],
      [`{"a":`, "}"],
    ] as const) {
      expect(canonicalJson(nested(MAX_DEVICE_DEPTH, open, close))).toBe(
        `${open.repeat(MAX_DEVICE_DEPTH)}1${close.repeat(MAX_DEVICE_DEPTH)}`,
      );
      expect(canonicalJson(nested(MAX_DEVICE_DEPTH + 1, open, close))).toBeUndefined();
      expect(canonicalJson(nested(100_000, open, close))).toBeUndefined();
    }
    const self: unknown[] = [];
    self.push(self, self);
    expect(canonicalJson(self)).toBeUndefined();
  });
});

describe("signedBytes", () => {
  it("leaves out signatures and unsigned at the top level only", () => {
    const inner = { signatures: { a: 1 }, unsigned: 2 };
    expect(text(signedBytes({ unsigned: { age: 1.5 }, z: inner, signatures: "\ud800", a: [inner] }))).toBe(
      `{"a":[{"signatures":{"a":1},"unsigned":2}],"z":{"signatures":{"a":1},"unsigned":2}}`,
    );
    expect(text(signedBytes({ signatures: {}, unsigned: {} }))).toBe("{}");
  });

  it("is the canonical JSON in UTF-8", () => {
    fc.assert(
      fc.property(fc.dictionary(name, anyJson), (object) => {
        const { signatures: _, unsigned: __, ...rest } = object;
        expect(text(signedBytes(object))).toBe(canonicalJson(rest));
      }),
      { ...RUNS, numRuns: 200 },
    );
  });

  it("is undefined if there is no canonical JSON", () => {
    expect([
      signedBytes({ a: 0.5 }),
      signedBytes({ "\ud800": 1 }),
      signedBytes([] as unknown as Record<string, unknown>),
    ]).toEqual([undefined, undefined, undefined]);
  });
});
