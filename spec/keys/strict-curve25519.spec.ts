import { expect, it } from "vitest";
import { canonicalCurve25519, isStrictCurve25519Key } from "../../src/keys/strict-curve25519.js";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const f = (count: number) => "ff".repeat(count);

it.each<[string, string, boolean]>([
  ["a key (RFC 7748, section 6.1)", "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", true],
  [
    "the same with the bit that X25519 ignores",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4eea",
    true,
  ],
  ["zero", "00".repeat(32), false],
  ["one", `01${"00".repeat(31)}`, false],
  ["two", `02${"00".repeat(31)}`, true],
  ["a point of order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", false],
  ["the other point of order 8", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", false],
  ["p - 2", `eb${f(30)}7f`, true],
  ["p - 1", `ec${f(30)}7f`, false],
  ["p", `ed${f(30)}7f`, false],
  ["p + 1", `ee${f(30)}7f`, false],
  ["2^255 - 1", `${f(31)}7f`, false],
  ["a number above p whose last byte is less", `${f(31)}7e`, true],
  ["zero with the bit that X25519 ignores", `${"00".repeat(31)}80`, false],
  ["31 bytes", "02".repeat(31), false],
])("curve25519 keys: %s", (_, hex, isStrict) => {
  expect(isStrictCurve25519Key(bytes(hex))).toBe(isStrict);
});

it("two spellings of a curve25519 key are compared as one", () => {
  const text = (hex: string) => Buffer.from(hex, "hex").toString("base64").replace("=", "");
  const key = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  expect(canonicalCurve25519(text(`${key.slice(0, -2)}ea`))).toBe(text(key));
  expect(canonicalCurve25519(text(key))).toBe(text(key));
  expect(["", "short", "?".repeat(43)].map(canonicalCurve25519)).toEqual(["", "short", "?".repeat(43)]);
});
