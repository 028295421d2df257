import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord, encodeRecord } from "../../src/level/record-bytes.js";
import { SEED } from "../support/seed.js";
import { arbitraryRecord } from "../encoding/arbitrary-record.js";

const stored = (record: unknown): Buffer => Buffer.from(encodeRecord(record));
const isText = (record: unknown): boolean => stored(record)[0] === "[".charCodeAt(0);

describe("a record of a levelStore", () => {
  it.each<[string, unknown]>([
    ["a list", { list: { deviceKeys: new Map([["PHONE", { keys: { "ed25519:PHONE": "…" } }]]) }, flags: [true, null] }],
    ["a string with line breaks", "\n[]\n"],
    ["a map in a set", new Set([new Map([["a", 1]])])],
  ])("that is %s is text", (_, record) => {
    expect(isText(record)).toBe(true);
    expect(decodeRecord(stored(record))).toEqual(record);
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["a property without a value", { a: undefined }],
    ["bytes", new Uint8Array([1, 2])],
    ["a date", new Date(0)],
    ["minus zero", -0],
    ["a property that would set a prototype", JSON.parse('{"__proto__":1}')],
  ])("that is %s is in v8's format", (_, record) => {
    expect(isText(record)).toBe(false);
    expect(decodeRecord(stored(record))).toStrictEqual(record);
  });

  it("is read as it was, whatever it is", () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        expect(decodeRecord(stored(record))).toEqual(structuredClone(record));
      }),
      { seed: SEED },
    );
  });

  it("of format 4 is read without its maps: its number is what counts", () => {
    expect(decodeRecord(Buffer.from('[]\n{"format":4}'))).toEqual({ format: 4 });
    const withMaps = Buffer.from('[["map"]]\n[]');
    expect(decodeRecord(withMaps)).toBe(withMaps);
  });

  it("that is damaged is returned as bytes, and throws nothing", () => {
    const record = { list: new Map([["a", { b: "c" }]]) };
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, isV8) => {
        const bytes = stored(isV8 ? { ...record, more: undefined } : record);
        bytes[at % bytes.length] = byte;
        decodeRecord(bytes);
        decodeRecord(bytes.subarray(0, at % bytes.length));
      }),
      { seed: SEED },
    );
    for (const text of ["", "nonsense", "[]", "[]\n", "{}\n1", "[]\n{"]) {
      const bytes = Buffer.from(text);
      expect(decodeRecord(bytes)).toBe(bytes);
    }
  });
});
