import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64 } from "../../src/keys/base64.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const unpadded = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll("=", "");
const decoded = (text: string): string | undefined => {
  const bytes = decodeBase64(text);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
};

describe("decodeBase64", () => {
  // Matrix spec, appendices, "Unpadded Base64".
  it.each([
    ["", ""],
    ["Zg", "f"],
    ["Zm8", "fo"],
    ["Zm9v", "foo"],
    ["Zm9vYg", "foob"],
    ["Zm9vYmE", "fooba"],
    ["Zm9vYmFy", "foobar"],
  ])("decodes the example %j of the spec", (text, bytes) => {
    expect(decoded(text)).toBe(bytes);
  });

  it("decodes any bytes, and only if they have the requested length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = unpadded(bytes);
        expect(decodeBase64(text)).toEqual(bytes);
        expect(decodeBase64(text, bytes.length)).toEqual(bytes);
        for (const length of [bytes.length - 1, bytes.length + 1, 0.5])
          expect(decodeBase64(text, length)).toBeUndefined();
      }),
    );
  });

  it("accepts exactly one encoding of any bytes", () => {
    const digit = fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...ALPHABET.split("")) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "=",
          "-",
          "_",
          " ",
          "\n",
          "\0",
          "é",
          "\u{1f600}",
          "Ａ",
          "@",
          "[",
          "`",
          "{",
          ":",
          "*",
          ",",
          ".",
        ),
      },
    );
    fc.assert(
      fc.property(
        fc.array(digit, { maxLength: 12 }).map((digits) => digits.join("")),
        (text) => {
          const bytes = decodeBase64(text);
          if (bytes !== undefined) expect(unpadded(bytes)).toBe(text);
          else expect(isCanonical(text)).toBe(false);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ["padding", "Zg=="],
    ["padding of a whole group", "Zm9v===="],
    ["a missing digit", "Zm9vY"],
    ["a single digit", "Z"],
    ["the alphabet for URLs", "-_-_"],
    ["white space before", " Zm9"],
    ["white space after", "Zm9v\n"],
    ["white space within", "Zm 9"],
    ["four bits beyond the last byte", "Zh"],
    ["two bits beyond the last byte", "Zm9"],
    ["a digit beyond ASCII", "Zm9\u0176"],
  ])("refuses %s", (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it("decodes every character of the alphabet, and no other", () => {
    for (let code = 0; code < 0x300; code++) {
      const digit = String.fromCharCode(code);
      const value = ALPHABET.indexOf(digit);
      expect(decodeBase64(`AAA${digit}`)).toEqual(value < 0 ? undefined : new Uint8Array([0, 0, value]));
    }
  });
});

/** Whether the platform decodes the text, and encodes the bytes as the same text again. */
function isCanonical(text: string): boolean {
  try {
    return btoa(atob(text)).replaceAll("=", "") === text;
  } catch {
    return false;
  }
}
