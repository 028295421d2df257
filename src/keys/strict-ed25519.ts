/*
 * The ed25519 keys and signatures that are refused for any message, before they are verified.
 *
 * Combined with a verifier that compares R with [s]B - [k]A byte by byte (without the cofactor, as all platforms do),
 * this decides like `verify_strict` of ed25519-dalek 2, which vodozemac calls if it is built with `strict-signatures`.
 * It is stricter in one point: `verify_strict` accepts a non-canonical key unless it is of small order. There are at
 * most 38 such encodings, and signing with one requires solving the discrete logarithm of its point.
 */

/** Length of a public key and of each half of a signature, in bytes. RFC 8032, sections 5.1.5 and 5.1.6. */
const HALF = 32;

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
/** p = 2^255 - 19, little endian. RFC 8032, section 5.1. */
const P = bytesOfHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
/** L = 2^252 + 27742317777372353535851937790883648493, little endian. RFC 8032, section 5.1. */
const L = bytesOfHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/**
 * Whether these bytes can be a public key: 32 bytes, in the only encoding of a point that is not of small order. The
 * verifier checks that it is on the curve.
 */
export function isStrictKey(publicKey: Uint8Array): boolean {
  return publicKey.length === HALF && isStrictPoint(publicKey);
}

/** Whether these bytes can be a signature: 64 bytes, with an R as strict as a key and an s below L. */
export function isStrictSignature(signature: Uint8Array): boolean {
  if (signature.length !== 2 * HALF) return false;
  // RFC 8032, section 5.1.7, step 1: "in the range 0 <= s < L". With s + L the same signature would be valid in another
  // encoding.
  return isStrictPoint(signature.subarray(0, HALF)) && isBelow(signature.subarray(HALF), L);
}

function isStrictPoint(encoded: Uint8Array): boolean {
  const y = encoded.slice();
  y[HALF - 1] = (y[HALF - 1] ?? 0) & 0x7f; // without the sign of x
  // RFC 8032, section 5.1.3, step 1: "If the resulting value is >= p, decoding fails". Step 4 (x = 0 with a sign) only
  // concerns points of small order.
  return isBelow(y, P) && !SMALL_ORDER_Y.some((small) => y.every((byte, i) => byte === small[i]));
}

/** Whether one number is less than another; both are 32 bytes, little endian. */
function isBelow(number: Uint8Array, limit: Uint8Array): boolean {
  for (let i = HALF - 1; i >= 0; i--) {
    const difference = (number[i] ?? 0) - (limit[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: HALF }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
