import { describe, expect, it } from "vitest";
import { isLong, parseAtOnce, parseInSlices } from "../../src/http/parse-json.js";

const LONG = JSON.stringify({ ids: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`D${i}`, [i]])) });
const always = () => true;

describe("a JSON text", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ["null", null],
    ["", ""],
    ["<html>", "<html>"],
    [undefined, undefined],
    [{ a: 1 }, { a: 1 }],
  ])("is parsed; what is not JSON, or no text, stays: %j", (data, expected) => {
    expect(parseAtOnce(data)).toEqual(expected);
  });

  it("is long from half a million characters on", () => {
    expect([LONG, "a".repeat(524_289), "a".repeat(524_288), {}].map(isLong)).toEqual([true, true, false, false]);
  });
});

describe("a long JSON text", () => {
  it("is parsed in tasks of their own", async () => {
    let tasks = 0;
    const timer = setInterval(() => tasks++, 0);
    const value = await parseInSlices(LONG, always);
    clearInterval(timer);
    expect(value).toEqual(JSON.parse(LONG));
    expect(tasks).toBeGreaterThan(2);
  });

  it("stays a text if it is not JSON", async () => {
    const cut = LONG.slice(0, -1);
    expect(await parseInSlices(cut, always)).toBe(cut);
  });

  it("may have strings of any length, with any number of escapes", async () => {
    const text = `{"next_batch":"s1","body":"${"\\n".repeat(3_000_000)}"}`;
    expect(await parseInSlices(text, always)).toEqual(JSON.parse(text));
  });

  it("is given up once nobody wants it", async () => {
    let asked = 0;
    expect(await parseInSlices(LONG, () => ++asked < 3)).toBeUndefined();
    expect(asked).toBe(3);
  });
});
