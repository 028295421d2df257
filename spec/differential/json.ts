export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** An object in which `__proto__` is a name like any other. */
export function jsonObject(members: Readonly<Record<string, Json>> = {}): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, members);
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is at this path, where all before it are objects that have it. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}

/** The object at this path, or an empty one. */
export function objectAt(value: unknown, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isJsonObject(found) ? found : jsonObject();
}

export const copy = <T extends Json>(value: T): T => revive(JSON.parse(JSON.stringify(value)) as Json) as T;

function revive(value: Json): Json {
  if (Array.isArray(value)) return value.map(revive);
  if (!isJsonObject(value)) return value;
  const object = jsonObject();
  for (const [name, item] of Object.entries(value)) object[name] = revive(item);
  return object;
}

/** A number as it is to be written: JavaScript has no value for some, and more than one spelling of others. */
export const numeral = (digits: string): string => `<number ${digits}>`;

/** The text of a value, numerals and all. */
export const write = (value: Json): string => JSON.stringify(value).replace(/"<number ([^>"]*)>"/gu, "$1");

/**
 * What a signer signs. Written apart from the package's own encoder, and laxer: a signer may sign what is no canonical JSON, fractions and half characters included.
 *
 * Matrix spec, appendices, "Canonical JSON".
 */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isJsonObject(value)) return write(value);
  // The bytes of UTF-8 are in the order of the code points.
  const names = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join(",")}}`;
}
