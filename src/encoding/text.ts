import { isPlain, own } from "../keys/json.js";
import { isObject } from "../model/json.js";
import { fromTable, toTable } from "./table.js";

/*
 * Records as text, which is faster to read than cloned values, parsing included: browsers clone a record property by
 * property, in both directions, but copy a string; and in Node, v8's format takes three times as long. A text half as
 * long is read in half the time, so what repeats in a record is written once (`table.ts`). Records that JSON cannot
 * express exactly, such as those with an undefined property, are stored as values: nearly all records of the log.
 */

/** Where in a text something is that JSON does not have: outer ones first. */
type Place = readonly [kind: "map" | "set" | "table", ...path: (string | number)[]];

/**
 * How deep tables are: not within devices, which may have any properties. Each place repeats the names on its path, so
 * one long name around many small tables would make a text thousands of times as long.
 */
const DEEPEST_TABLE = 4;

/** What to store for a record: text, or the record itself if JSON cannot express it exactly. */
export function encode(record: unknown): unknown {
  const places: Place[] = [];
  try {
    return JSON.stringify([places, toJson(record, [], places)]);
  } catch {
    return record;
  }
}

/** The record that was stored. Damaged text is returned as it is: the readers of records reject it. */
export function decode(stored: unknown): unknown {
  try {
    if (typeof stored === "string") return fromText(stored);
    // Format 4 had text in an object. Only the owner's record of it is read, for the number of the format.
    const isText = isObject(stored) && typeof stored.json === "string" && Object.keys(stored).length === 1;
    return isText ? JSON.parse(stored.json as string) : stored;
  } catch {
    return stored;
  }
}

function fromText(text: string): unknown {
  const stored = JSON.parse(text) as [readonly Place[], unknown];
  for (const [kind, ...path] of stored[0].toReversed()) {
    let parent = stored as unknown as Parent;
    let name: string | number = 1;
    // Own parts only: damaged text must not reach a prototype.
    for (const step of path) {
      parent = own(parent, name) as Parent;
      name = step;
    }
    parent[name] = READERS[kind](own(parent, name) as never);
  }
  return stored[1];
}

type Parent = Record<string | number, unknown>;

const READERS = {
  map: ([keys, values]: readonly [readonly unknown[], readonly unknown[]]) =>
    new Map(keys.map((key, i) => [key, values[i]])),
  set: (items: readonly unknown[]) => new Set(items),
  table: fromTable,
};

/**
 * The value without maps and sets: itself if it has none and nothing that repeats, or else a copy.
 * @param path its place in the text; unchanged when this returns
 * @throws if JSON cannot express it exactly
 */
function toJson(value: unknown, path: (string | number)[], places: Place[]): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (typeof value !== "object") throw new TypeError();
  const written = (kind: Place[0], parts: unknown) => {
    places.push([kind, ...path]);
    return toJson(parts, path, places);
  };
  if (value instanceof Map) return written("map", [[...value.keys()], [...value.values()]]);
  if (value instanceof Set) return written("set", [...value]);
  const table = Array.isArray(value) && path.length <= DEEPEST_TABLE ? toTable(value) : undefined;
  if (table !== undefined) return written("table", table);
  let copy: Record<string, unknown> | undefined;
  const look = (step: string | number, part: unknown) => {
    path.push(step);
    const found = toJson(part, path, places);
    path.pop();
    if (found === part) return;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
    copy[step] = found;
  };
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) look(i, value[i]);
  else {
    // A property of this name cannot be assigned.
    if (!isPlain(value) || Object.hasOwn(value, "__proto__")) throw new TypeError();
    for (const name of Object.keys(value)) look(name, (value as Parent)[name]);
  }
  return copy ?? value;
}
