import { isObject } from "../model/json.js";

/** Returns the value of an own property, even if its name is `__proto__` or `constructor`. */
export function own(object: Readonly<Record<string | number, unknown>>, name: string | number): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * Returns the names in a JSON object; {@link jsonLength} refuses objects with symbols.
 *
 * Not `Object.keys` or `for in`: V8 keeps the names that they list with the object's shape, and each device has shapes
 * of its own, since its ID is part of its keys' names.
 */
export const namesOf = Reflect.ownKeys as (object: object) => string[];

/**
 * Returns a value's approximate length in characters of JSON. `undefined` if it is not JSON, is longer than `limit`, or
 * is nested deeper than `depth`.
 *
 * Takes time in the limits, not in the value. `JSON.stringify` would overflow the stack on a value nested a few
 * thousand levels deep, which `JSON.parse` accepts.
 */
export function jsonLength(value: unknown, limit: number, depth: number): number | undefined {
  switch (typeof value) {
    case "string":
      return within(value.length + 2, limit);
    case "number":
      return Number.isFinite(value) ? within(8, limit) : undefined;
    case "boolean":
      return within(4, limit);
    case "object":
      if (value === null) return within(4, limit);
      if (depth === 0) return undefined;
      return Array.isArray(value) ? arrayLength(value, limit, depth) : objectLength(value, limit, depth);
    default:
      return undefined;
  }
}

function arrayLength(array: readonly unknown[], limit: number, depth: number): number | undefined {
  let length = 2;
  for (const item of array) {
    const more = jsonLength(item, limit - length, depth - 1);
    if (more === undefined) return undefined;
    length += more + 1;
  }
  return within(length, limit);
}

function objectLength(object: object, limit: number, depth: number): number | undefined {
  if (!isPlain(object)) return undefined;
  let length = 2;
  for (const name of namesOf(object)) {
    if (typeof name !== "string") return undefined;
    const value = (object as Readonly<Record<string, unknown>>)[name];
    const more = jsonLength(value, limit - length - name.length, depth - 1);
    if (more === undefined) return undefined;
    length += name.length + more + 4;
  }
  return within(length, limit);
}

const within = (length: number, limit: number): number | undefined => (length <= limit ? length : undefined);

/**
 * True if an object is plain, as created by `JSON.parse`, not a date, a map or a byte array. It may come from another
 * realm, such as an iframe or a test runner's sandbox, with an `Object.prototype` of its own.
 */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Whether two JSON values are equal, in any order of properties. Both must have passed {@link jsonLength}.
 *
 * Unlike {@link namesOf}, `for in` makes V8 keep names, of some 1,500 shapes at most; but it takes half the time, and
 * repeated answers consist of comparisons.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  let more = 0;
  for (const name in a) {
    more++;
    const one = a[name];
    const other = b[name];
    if (one === other) continue; // most are equal strings, so not inherited properties
    if (!Object.hasOwn(b, name) || !sameJson(one, other)) return false;
  }
  for (const _ in b) more--;
  return more === 0;
}
