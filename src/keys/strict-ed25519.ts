import { bytesOfHex, isBelow, isFieldElement, LENGTH } from "./field-element.js";

/*
 * Keys and signatures that are refused for any message, before they are verified.
 *
 * Combined with a verifier that compares R with [s]B - [k]A byte by byte (without the cofactor, as all platforms do),
 * this decides like `verify_strict` of ed25519-dalek 2, which vodozemac calls if it is built with `strict-signatures`.
 * It is stricter in one point: `verify_strict` accepts a non-canonical key unless it is of small order. There are at
 * most 38 such encodings, and signing with one requires solving the discrete logarithm of its point.
 */

/**
 * The y of the eight points of small order (their order divides the cofactor, 8), little endian. With such a key, one
 * signature is valid for every message or for one in eight; with such an R, the holder of the private key can choose.
 * Both x of each y are of small order, so the sign bit does not matter.
 */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000", // order 4
  "0100000000000000000000000000000000000000000000000000000000000000", // order 1
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
].map(bytesOfHex);
/** L = 2^252 + 27742317777372353535851937790883648493, little endian. RFC 8032, section 5.1. */
const L = bytesOfHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/**
 * True if these bytes can be a public key: 32 bytes, in the only encoding of a point that is not of small order. The
 * verifier checks that it is on the curve.
 *
 * RFC 8032, section 5.1.3, step 1: "If the resulting value is >= p, decoding fails". Step 4 (x = 0 with a sign) only
 * concerns points of small order.
 */
export const isStrictKey = (publicKey: Uint8Array): boolean =>
  publicKey.length === LENGTH && isFieldElement(SMALL_ORDER_Y, publicKey);

/**
 * True if these bytes can be a signature: 64 bytes, with an R as strict as a key and an s below L. RFC 8032, section
 * 5.1.7, step 1: "in the range 0 <= s < L". With s + L the same signature would be valid in another encoding.
 */
export const isStrictSignature = (signature: Uint8Array): boolean =>
  signature.length === 2 * LENGTH && isFieldElement(SMALL_ORDER_Y, signature) && isBelow(L, signature, LENGTH);
