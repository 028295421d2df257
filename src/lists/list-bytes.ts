import { namesOf } from "../keys/json.js";

/*
 * Bytes in V8: a header and a pointer for each value or name (4 bytes in Chromium, 8 in Node), and the characters of
 * texts, mostly one byte each. Measured in Node 20: 1,800 bytes for a list of one small device, 4,200 for four.
 */
const OBJECT = 56;
const ENTRY = 16;
/** In a hash table, which has room for more. */
const MAP_ENTRY = 48;
const TEXT = 24;

/**
 * How many bytes a list takes in memory, or pins, approximately. It is computed from what they have, not from the
 * length in JSON, which can be ten times less for a list that a hostile server made up.
 */
export function bytesOf(value: unknown): number {
  if (typeof value === "string") return TEXT + value.length;
  if (typeof value !== "object" || value === null) return 0; // part of the entry
  let bytes = OBJECT;
  if (value instanceof Map) for (const [key, item] of value) bytes += MAP_ENTRY + bytesOf(key) + bytesOf(item);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) bytes += ENTRY + bytesOf(item);
  else
    for (const name of namesOf(value))
      bytes += ENTRY + TEXT + name.length + bytesOf((value as Record<string, unknown>)[name]);
  return bytes;
}
