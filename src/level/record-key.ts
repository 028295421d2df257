import type { RecordKey } from "../store/device-store.js";

/*
 * Keys of records in the database: kind and ID as JSON strings, one after the other. JSON escapes what UTF-8 cannot
 * express (a lone surrogate), and delimits strings.
 */

/** Every key of a record begins with a quotation mark; other keys do not. */
export const ALL_RECORDS = { gte: '"', lt: "#" };

export const encodeKey = ([kind, id]: RecordKey): string => JSON.stringify(kind) + JSON.stringify(id);

/** The range of keys of all records of a kind. */
export const keysOfKind = (kind: string): { readonly gte: string; readonly lt: string } => {
  const prefix = JSON.stringify(kind);
  return { gte: `${prefix}"`, lt: `${prefix}#` };
};

export const idIn = (key: string, kind: string): string => JSON.parse(key.slice(JSON.stringify(kind).length)) as string;
