import { deserialize, serialize } from "node:v8";
import { decode, encode } from "../encoding/text.js";

/*
 * Values of records in the database: text, if JSON can express the record, or else v8's format, which begins with 0xff:
 * no text does.
 */

const V8_HEADER = 0xff;

/** @throws DOMException if the record cannot be cloned */
export function encodeRecord(record: unknown): Uint8Array {
  const encoded = encode(record);
  return typeof encoded === "string" ? Buffer.from(encoded) : serialize(record);
}

/** Decodes a record. One that cannot be read is returned as bytes, which the readers of records reject. */
export function decodeRecord(bytes: Buffer): unknown {
  try {
    if (bytes[0] === V8_HEADER) return deserialize(bytes);
    const text = bytes.toString();
    const record = decode(text);
    return record === text ? bytes : record;
  } catch {
    return bytes;
  }
}
