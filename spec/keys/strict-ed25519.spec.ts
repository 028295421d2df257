import { Point } from "@noble/ed25519";
import { describe, expect, it } from "vitest";
import { isStrictKey, isStrictSignature } from "../../src/keys/strict-ed25519.js";
import { ORDER, smallOrder } from "../vectors/edge-signatures.js";
import { hex } from "../vectors/hex.js";

const P = 2n ** 255n - 19n;
const littleEndian = (number: bigint): Uint8Array => hex(number.toString(16).padStart(64, "0")).reverse();
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(parts.flatMap((part) => [...part]));

/**
 * All 32-byte encodings that a lenient decoder accepts for a point with this y: also unreduced if that fits, with
 * either sign.
 */
const encodings = (y: bigint): readonly Uint8Array[] =>
  [y, y + P]
    .filter((encoded) => encoded < 2n ** 255n)
    .flatMap((encoded) => [littleEndian(encoded), littleEndian(encoded + 2n ** 255n)]);
const weak = [...new Set(smallOrder.map((point) => point.toAffine().y))].flatMap(encodings);

/** Points that are not of small order, with and without a component of small order. */
const fine = Array.from({ length: 40 }, (_, n) =>
  Point.BASE.multiplyUnsafe(BigInt(n + 1))
    .add(smallOrder[n % 8]!)
    .toBytes(),
);
const R = fine[0]!;
const s = littleEndian(ORDER - 1n);

describe("a strict ed25519 key", () => {
  it("can be any point that is not of small order, even with a small component", () => {
    expect(fine.map(isStrictKey)).toEqual(fine.map(() => true));
  });

  it("is not a point of small order, in any of their encodings", () => {
    expect(new Set(smallOrder.map((point) => point.toHex())).size).toBe(8);
    expect(weak.length).toBe(14); // 5 y, 2 of them also unreduced, each with two signs
    for (const encoded of weak)
      expect([Buffer.from(encoded).toString("hex"), isStrictKey(encoded)]).toEqual([expect.anything(), false]);
  });

  it("is canonical: y is less than p, with either sign", () => {
    for (let y = P - 60n; y < 2n ** 255n; y++) {
      for (const sign of [0n, 2n ** 255n]) expect(isStrictKey(littleEndian(y + sign))).toBe(y < P - 1n); // p - 1 is of order 2
    }
  });

  it("may differ from a point of small order in a single bit", () => {
    for (const y of new Set(smallOrder.map((point) => point.toAffine().y))) {
      for (let bit = 0n; bit < 250n; bit++) {
        const other = y ^ (1n << bit);
        if (other > 1n && other < P - 1n) expect(isStrictKey(littleEndian(other))).toBe(true);
      }
    }
  });

  it.each([0, 31, 33, 64])("does not have %i bytes", (length) => {
    expect(isStrictKey(joined(R, R).slice(0, length))).toBe(false);
  });

  it("can be part of a larger buffer, and is not modified", () => {
    const buffer = joined(R, R, R);
    const before = buffer.slice();
    expect(isStrictKey(buffer.subarray(32, 64))).toBe(true);
    expect(isStrictSignature(joined(R, s))).toBe(true);
    expect(buffer).toEqual(before);
  });
});

describe("a strict ed25519 signature", () => {
  it("has an s less than L", () => {
    for (let near = -70n; near < 70n; near++)
      expect(isStrictSignature(joined(R, littleEndian(ORDER + near)))).toBe(near < 0n);
    for (const number of [0n, 1n, 2n ** 252n, 2n ** 252n - 1n])
      expect(isStrictSignature(joined(R, littleEndian(number)))).toBe(true);
    for (const number of [2n * ORDER, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n])
      expect(isStrictSignature(joined(R, littleEndian(number)))).toBe(false);
  });

  it("has an R as strict as a key", () => {
    expect(fine.map((point) => isStrictSignature(joined(point, s)))).toEqual(fine.map(() => true));
    for (const encoded of [...weak, littleEndian(P + 3n)]) expect(isStrictSignature(joined(encoded, s))).toBe(false);
  });

  it.each([0, 32, 63, 65, 128])("does not have %i bytes", (length) => {
    expect(isStrictSignature(joined(R, s, R, s).slice(0, length))).toBe(false);
  });
});
