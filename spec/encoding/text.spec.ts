import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/encoding/text.js";
import { SEED } from "../support/seed.js";
import { arbitraryRecord } from "./arbitrary-record.js";

const stored = (value: unknown): unknown => structuredClone(encode(value));
const isText = (value: unknown): boolean => typeof encode(value) === "string";

describe("a record", () => {
  it.each<[string, unknown]>([
    [
      "a list",
      { list: { deviceKeys: new Map([["PHONE", { keys: { "ed25519:PHONE": "…" } }]]), at: 1.5 }, flags: [true, null] },
    ],
    [
      "objects of one shape",
      [
        { a: ["m", 1], b: new Map([["c", new Set()]]), d: null },
        { a: ["m", 1], b: new Map(), d: null },
      ],
    ],
    [
      "maps in maps, and sets in them",
      new Map([
        ["a", new Map([["b", new Set([1, "2"])]])],
        ["c", new Map()],
      ]),
    ],
    [
      "a map with keys that are no strings",
      new Map<unknown, unknown>([
        [1, "a"],
        [new Map([["b", 1]]), "c"],
      ]),
    ],
    ["a lone surrogate", "\ud800"],
    ["a string", "text"],
    ["something that looks like stored text", { json: "1" }],
  ])("that is %s is stored as text, and read as it was", (_, value) => {
    expect(isText(value)).toBe(true);
    expect(decode(stored(value))).toEqual(value);
  });

  it.each<[string, unknown]>([
    ["undefined in it", { a: undefined }],
    ["undefined in a list", [undefined]],
    ["a hole in a list", [1, , 2]],
    ["a hole in a list that another object has without it", [{ a: [1, 2] }, { a: [, 2] }]],
    ["a date", { at: new Date(0) }],
    ["bytes", new Uint8Array([1])],
    ["a big integer", 1n],
    ["minus zero", -0],
    ["infinity", [Infinity]],
    [
      "itself in it",
      (() => {
        const all: unknown[] = [];
        all.push(all);
        return all;
      })(),
    ],
    ["a property that would set a prototype", JSON.parse('{"__proto__":1}')],
  ])("that has %s is stored and read as it is", (_, value) => {
    expect(isText(value)).toBe(false);
    expect(decode(stored(value))).toEqual(structuredClone(value));
  });

  it("is not changed when it is stored", () => {
    const record = () => ({ saved: { list: new Map([["a", { keys: [new Set([1])] }]]) }, others: [1, { b: null }] });
    const given = record();
    encode(given);
    expect(given).toEqual(record());
  });

  it("that is no text is read as it was stored", () => {
    for (const value of [{ format: 3 }, [1], 1, undefined, null]) expect(decode(value)).toBe(value);
  });

  it("of an older format is read without its maps: its number is what counts", () => {
    expect(decode({ json: '{"format":4}' })).toEqual({ format: 4 });
  });

  it.each([
    "{",
    "[",
    "text",
    "[]",
    '[[["map","nowhere","at all"]],{}]',
    '[[["map"]],{}]',
    '[[["elsewhere"]],{}]',
    '[[["table"]],1]',
    "[1,{}]",
    '[[["set","__proto__","damaged"]],{}]',
    '[[["set","list","constructor","prototype","damaged"]],{"list":[]}]',
  ])("whose text is damaged is read as it was stored: %s", (damaged) => {
    expect(decode(damaged)).toBe(damaged);
    expect({}).not.toHaveProperty("damaged");
    expect([]).not.toHaveProperty("damaged");
  });

  it.each<[string, (deviceId: string) => unknown]>([
    ["of one shape", () => ({})],
    ["of shapes of their own", (deviceId) => ({ [deviceId]: true })],
  ])("that has hostile devices %s is not much longer than they are", (_, more) => {
    const small = Array.from({ length: 3_000 }, () => [{}, {}]);
    const hostile = (deviceId: string) => ({
      keys: { a: { ["x".repeat(30_000)]: small } },
      ["y".repeat(30_000)]: small,
      ...(more(deviceId) as object),
    });
    const devices = ["A", "B", "C"].map((deviceId) => [deviceId, hostile(deviceId)] as const);
    const list = { deviceKeys: new Map(devices), masterKey: hostile("M") };
    const length = JSON.stringify([devices, list.masterKey]).length;
    const record = { pins: {}, saved: { revision: 1, list } };
    expect((encode(record) as string).length).toBeLessThan(1.5 * length);
    expect(decode(stored(record))).toEqual(record);
  });

  it("is read as it was, whatever it is", () => {
    fc.assert(
      fc.property(arbitraryRecord, (one) => {
        expect(decode(stored(one))).toEqual(structuredClone(one));
      }),
      { seed: SEED },
    );
  });
});
