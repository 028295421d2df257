import { isPlain } from "./json.js";
import { MAX_DEVICE_DEPTH } from "./limits.js";

/** Matrix spec, appendices, "Signing Details": what a signature does not cover. */
const UNCOVERED: readonly string[] = ["signatures", "unsigned"];
const ALL_COVERED: readonly string[] = [];
const UTF8 = new TextEncoder();

/**
 * The bytes that a signature of this object covers, or `undefined` where it has no canonical JSON: then no signature of it holds.
 *
 * Matrix spec, appendices, "Signing Details" and "Checking for a Signature", steps 5 and 6: the canonical JSON without the object's own `signatures`
 * and `unsigned`.
 */
export function signedBytes(object: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const json = objectJson(object, MAX_DEVICE_DEPTH, UNCOVERED);
  return json === undefined ? undefined : UTF8.encode(json);
}

/**
 * The canonical JSON of a value, or `undefined` where it has none: what is no JSON, numbers that are not exact integers, text that UTF-8 cannot hold,
 * and what is nested deeper than {@link MAX_DEVICE_DEPTH}.
 *
 * Matrix spec, appendices, "Canonical JSON". Its cost is that of the value's JSON: whoever chose the value must have been held to `jsonLength` before.
 */
export function canonicalJson(value: unknown): string | undefined {
  return valueJson(value, MAX_DEVICE_DEPTH);
}

function valueJson(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case "string":
      return stringJson(value);
    case "number":
      // "Canonical JSON": integers from -(2**53)+1 to (2**53)-1, without exponents or decimal places. Of these, String() gives digits alone, and -0 as 0:
      // "-0 MUST NOT appear", and the appendices' own example makes 0 of it.
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
  for (const name of sortedNames(object)) {
    if (uncovered.includes(name)) continue;
    const key = stringJson(name);
    const value = valueJson(object[name], depth - 1);
    if (key === undefined || value === undefined) return undefined;
    json += json.length === 1 ? `${key}:${value}` : `,${key}:${value}`;
  }
  return `${json}}`;
}

/** With the flag, only halves of characters: a pair is one character outside of this range. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;
/** What {@link stringJson} cannot copy as it is. */
const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/u;

function stringJson(text: string): string | undefined {
  if (!SPECIAL.test(text)) return `"${text}"`;
  // "Canonical JSON" is UTF-8, which has no half characters: an encoder would put U+FFFD in the place of each, and one signature would cover many texts.
  if (LONE_SURROGATE.test(text)) return undefined;
  // The grammar's `escaped` is what ECMA-262, "QuoteJSONString", writes: \b \t \n \f \r \" \\, \u00xx in lower case for other controls, and nothing else.
  return JSON.stringify(text);
}

/** "Canonical JSON": "dictionary keys lexicographically sorted by Unicode codepoint". Own properties, whatever they are called. */
function sortedNames(object: object): readonly string[] {
  const names = Object.keys(object);
  return inOrder(names) ? names : names.sort(byCodePoint);
}

/** Servers send canonical JSON as a rule, and then there is nothing to sort. */
function inOrder(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if (byCodePoint(names[i - 1] ?? "", names[i] ?? "") > 0) return false;
  return true;
}

/** JavaScript compares UTF-16 code units: there characters beyond U+FFFF, written with surrogates, come before U+E000 to U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Puts surrogates behind all other code units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);
