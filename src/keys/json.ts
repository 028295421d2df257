import { isObject } from "../model/json.js";

/** The value of an own property: names such as `constructor` are only names. */
export function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * About how many characters of JSON a value is, or `undefined` where it is no JSON, or more than `limit`, or nested deeper
 * than `depth`. Its cost is bounded by the limits, not by the value: `JSON.stringify` would overflow the stack on a value
 * nested a few thousand deep, which `JSON.parse` gives without complaint.
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
      break;
    default:
      return undefined;
  }
  if (value === null) return within(4, limit);
  if (depth === 0) return undefined;
  let length = 2;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      const more = jsonLength(item, limit - length, depth - 1);
      if (more === undefined) return undefined;
      length += more + 1;
    }
  } else {
    if (!isPlain(value)) return undefined;
    for (const name in value) {
      const more = jsonLength(
        (value as Readonly<Record<string, unknown>>)[name],
        limit - length - name.length,
        depth - 1,
      );
      if (more === undefined) return undefined;
      length += name.length + more + 4;
    }
  }
  return within(length, limit);
}

const within = (length: number, limit: number): number | undefined => (length <= limit ? length : undefined);

/** Whether an object is as JSON gives them, of this realm or another (an iframe, a test runner's sandbox: nothing is above its `Object.prototype`); dates, maps and bytes are not. */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether two JSON values are the same, whatever the order of their properties. Values must have passed {@link jsonLength}. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}
