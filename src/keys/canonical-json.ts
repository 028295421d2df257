import { isPlain, namesOf } from "./json.js";
import { MAX_DEVICE_DEPTH } from "./limits.js";

/** The properties that a signature does not cover. Matrix spec, appendices, "Signing Details". */
const UNCOVERED: readonly string[] = ["signatures", "unsigned"];
const ALL_COVERED: readonly string[] = [];
const UTF8 = new TextEncoder();

/**
 * Returns the bytes that a signature of an object covers: its canonical JSON without its own `signatures` and
 * `unsigned`. `undefined` if the object has no canonical JSON: none of its signatures is valid then.
 *
 * Matrix spec, appendices, "Signing Details" and "Checking for a Signature", steps 5 and 6.
 */
export function signedBytes(object: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const json = objectJson(object, MAX_DEVICE_DEPTH, UNCOVERED);
  return json === undefined ? undefined : UTF8.encode(json);
}

/**
 * Returns the canonical JSON of a value. `undefined` if there is none: the value is not JSON, has a number that is not
 * an exact integer or text that UTF-8 cannot represent, or is nested deeper than {@link MAX_DEVICE_DEPTH}.
 *
 * Takes time in the length of the value's JSON; the caller must have limited it with `jsonLength`.
 *
 * Matrix spec, appendices, "Canonical JSON".
 */
export function canonicalJson(value: unknown): string | undefined {
  return valueJson(value, MAX_DEVICE_DEPTH);
}

function valueJson(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case "string":
      return stringJson(value);
    case "number":
      // "Canonical JSON": integers from -(2**53)+1 to (2**53)-1, without exponents or decimal places. String() writes
      // these in digits alone, and -0 as 0: "-0 MUST NOT appear", and the example in the appendices turns it into 0.
      return Number.isSafeInteger(value) ? String(value) : undefined;
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value)
        ? arrayJson(value, depth)
        : objectJson(value as Readonly<Record<string, unknown>>, depth, ALL_COVERED);
    default:
      return undefined;
  }
}

function arrayJson(array: readonly unknown[], depth: number): string | undefined {
  if (depth === 0) return undefined;
  let json = "[";
  for (let i = 0; i < array.length; i++) {
    const item = valueJson(array[i], depth - 1);
    if (item === undefined) return undefined;
    json += i === 0 ? item : `,${item}`;
  }
  return `${json}]`;
}

function objectJson(
  object: Readonly<Record<string, unknown>>,
  depth: number,
  uncovered: readonly string[],
): string | undefined {
  if (depth === 0 || !isPlain(object)) return undefined;
  let json = "{";
  for (const name of sortedNames(object, uncovered)) {
    const key = stringJson(name);
    const value = valueJson(object[name], depth - 1);
    if (key === undefined || value === undefined) return undefined;
    json += json.length === 1 ? `${key}:${value}` : `,${key}:${value}`;
  }
  return `${json}}`;
}

/** Matches lone surrogates only: with the `u` flag, a pair is one character outside this range. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;
/** Characters that {@link stringJson} cannot copy verbatim. */
const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/u;

function stringJson(text: string): string | undefined {
  if (!SPECIAL.test(text)) return `"${text}"`;
  // "Canonical JSON" is UTF-8, which cannot represent lone surrogates: an encoder would replace each with U+FFFD, and
  // one signature would cover many texts.
  if (LONE_SURROGATE.test(text)) return undefined;
  // The grammar's `escaped` is exactly what ECMA-262, "QuoteJSONString", writes: \b \t \n \f \r \" \\, and \u00xx in
  // lower case for other control characters.
  return JSON.stringify(text);
}

/**
 * "Canonical JSON": "dictionary keys lexicographically sorted by Unicode codepoint". Includes own properties with names
 * such as `__proto__`.
 */
function sortedNames(object: object, uncovered: readonly string[]): readonly string[] {
  const all = namesOf(object);
  const names = uncovered.length === 0 ? all : all.filter((name) => !uncovered.includes(name));
  return inOrder(names) ? names : names.sort(byCodePoint);
}

/** Servers usually send canonical JSON, which needs no sorting. */
function inOrder(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if (byCodePoint(names[i - 1] ?? "", names[i] ?? "") > 0) return false;
  return true;
}

/**
 * Compares by code point. JavaScript compares UTF-16 code units, in which surrogates (U+10000 and above) come before
 * U+E000 to U+FFFF.
 */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Sorts surrogates after all other code units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);
