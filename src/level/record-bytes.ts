import { deserialize, serialize } from "node:v8";
import { decode, encode } from "../encoding/text.js";

/*
 * Values of records in the database: text, if JSON can express the record, or else v8's format, which begins with 0xff:
 * no text does.
 */

const V8_HEADER = 0xff;
/** What the owner's record of format 4 begins with: it is read for the number of the format. */
const FORMAT_4 = "[]\n";

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
    const stored = text.startsWith(FORMAT_4) ? { json: text.slice(FORMAT_4.length) } : text;
    const record = decode(stored);
    return record === stored ? bytes : record;
  } catch {
    return bytes;
  }
}
