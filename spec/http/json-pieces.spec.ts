import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonPieces, TOO_MANY_MEMBERS } from "../../src/http/json-pieces.js";
import { SEED } from "../support/seed.js";

/** The value, or that it is not JSON; and in how many pieces it was parsed. */
function parse(text: string, pieceLength?: number): { readonly result: unknown; readonly pieces: number } {
  const generator = jsonPieces(text, pieceLength === undefined ? {} : { pieceLength });
  let pieces = 0;
  try {
    for (;;) {
      const { done, value } = generator.next();
      if (done === true) return { result: { value }, pieces };
      pieces++;
    }
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return { result: "refused", pieces };
  }
}

function expected(text: string): unknown {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return "refused";
  }
}

const json = fc.oneof(
  fc.json({ maxDepth: 9 }),
  fc.jsonValue().map((value) => JSON.stringify(value, undefined, 1)),
);
/** The same with one character removed, doubled or replaced. */
const broken = fc
  .tuple(json, fc.nat(), fc.constantFrom("", '"', "{", "}", "[", "]", ",", ":", "\\", " ", "0", "x"))
  .map(([text, at, by]) => `${text.slice(0, at % (text.length + 1))}${by}${text.slice((at % (text.length + 1)) + 1)}`);

describe("JSON that is parsed piece by piece", () => {
  it("is what JSON.parse says, or refused like there", () => {
    fc.assert(
      fc.property(fc.oneof(json, broken), fc.integer({ min: 1, max: 40 }), (text, pieceLength) => {
        expect(parse(text, pieceLength).result).toEqual(expected(text));
      }),
      { numRuns: 3_000, seed: SEED },
    );
  });

  it.each([
    "",
    " ",
    "{",
    "[1,]",
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    "[1 2]",
    "[] []",
    '["a]',
    '["\\"]',
    "[\u00a01]",
    "nul",
    "[01]",
    '{"a":1}x',
    '["\u2028"]',
    '["a\nb"]',
    "[1][",
  ])("is refused or taken like there: %j", (text) => {
    for (const pieceLength of [1, 2, 3, 100]) expect(parse(text, pieceLength).result).toEqual(expected(text));
  });

  it("has properties with any name as its own; of two, the last", () => {
    const text = '{"__proto__":{"polluted":[1,2,3]},"constructor":[4,5,6],"a":[1,1,1],"a":[2,2,2]}';
    const { result } = parse(text, 4) as { readonly result: { readonly value: object } };
    expect(Object.entries(result.value)).toEqual(Object.entries(JSON.parse(text) as object));
    expect(Object.getPrototypeOf(result.value)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("takes long objects and arrays apart, however many members they have", () => {
    const ids = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`D${i}`, {}]));
    const text = JSON.stringify({
      device_keys: { "@bob:example.org": ids },
      list: Array.from({ length: 1_000 }, () => ids.D0),
    });
    const { result, pieces } = parse(text);
    expect(result).toEqual({ value: JSON.parse(text) as unknown });
    expect(pieces).toBeGreaterThan(50);
  });

  it("has a text for an object with more members than wanted, and the rest", () => {
    const text = '{"a":{"1":[1],"2":[2],"3":[3]},"b":{"1":[1],"2":[2]}}';
    const generator = jsonPieces(text, { pieceLength: 4, maxMembers: 2 });
    let step = generator.next();
    while (step.done !== true) step = generator.next();
    expect(step.value).toEqual({ a: TOO_MANY_MEMBERS, b: { "1": [1], "2": [2] } });
  });

  it("does not go deeper than needed", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const { result, pieces } = parse(deep);
    expect(result).not.toBe("refused");
    expect(pieces).toBeLessThan(10);
  });
});
