import { deserialize, serialize } from "node:v8";
import { decode, encode } from "../encoding/text.js";

/*
 * Values of records in the database. Records that JSON can express, such as lists, are text: the places of their maps
 * and sets, a line break (which this JSON does not contain), and the record. Any other record is in v8's format, which
 * begins with 0xff, unlike any text.
 */

const V8_HEADER = 0xff;
const LINE_BREAK = 0x0a;

/** @throws DOMException if the record cannot be cloned */
export function encodeRecord(record: unknown): Uint8Array {
  const encoded = encode(record);
  if ("raw" in encoded) return serialize(encoded.raw);
  const { collections, json } = encoded;
  return Buffer.from(`${JSON.stringify(collections ?? [])}\n${json}`);
}

/** Decodes a record. One that cannot be read is returned as bytes, which the readers of records reject. */
export function decodeRecord(bytes: Buffer): unknown {
  try {
    if (bytes[0] === V8_HEADER) return deserialize(bytes);
    const end = bytes.indexOf(LINE_BREAK);
    if (end === -1) return bytes;
    const collections: unknown = JSON.parse(bytes.toString("utf8", 0, end));
    const text = { json: bytes.toString("utf8", end + 1), collections };
    const record = decode(text);
    return record === text ? bytes : record;
  } catch {
    return bytes;
  }
}
