export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** An object without a prototype, which can have a property called `__proto__`. */
export function jsonObject(members: Readonly<Record<string, Json>> = {}): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, members);
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value at this path; `undefined` if there is none. */
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

/**
 * A number to be written with these digits. JavaScript cannot represent some numbers, and writes others differently.
 */
export const numeral = (digits: string): string => `<number ${digits}>`;

/** The JSON of a value, including numerals. */
export const write = (value: Json): string => JSON.stringify(value).replace(/"<number ([^>"]*)>"/gu, "$1");

/**
 * The text to sign. An encoder independent of the package's own, and less strict: a signer may sign JSON that is not
 * canonical, such as fractions and lone surrogates.
 *
 * Matrix spec, appendices, "Canonical JSON".
 */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isJsonObject(value)) return write(value);
  // UTF-8 bytes sort in the order of code points.
  const names = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join(",")}}`;
}
