/*
 * What is refused of an ed25519 key or signature whatever the message is, before anybody verifies it.
 *
 * Together with a verifier that compares R with [s]B - [k]A byte by byte (without the cofactor, as every platform does), the decisions are those of `verify_strict`
 * of ed25519-dalek 2, which vodozemac calls where it is built with `strict-signatures`. In one point this is stricter: `verify_strict` takes a key that
 * is not canonical unless it is of small order. There are no more than 38 such encodings, and no signature for one can be made without solving the discrete
 * logarithm of its point.
 */

/** Bytes of a public key, and of each half of a signature: RFC 8032, section 5.1.5 and 5.1.6. */
const HALF = 32;

/**
 * The y of the eight points of small order (their order divides the cofactor, 8), little endian. With such a key, one signature holds for every message, or for one
 * in eight; with such an R, for the holder of the private key at will. Both x of a y are of small order, so that the sign bit does not matter.
 */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000", // order 4
  "0100000000000000000000000000000000000000000000000000000000000000", // order 1
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
].map(bytesOfHex);
/** p = 2^255 - 19, little endian: RFC 8032, section 5.1. */
const P = bytesOfHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
/** L = 2^252 + 27742317777372353535851937790883648493, little endian: RFC 8032, section 5.1. */
const L = bytesOfHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** Whether these bytes may be a public key: 32 of them, the only encoding of a point that is not of small order. Whether it is on the curve is left to the verifier. */
export function isStrictKey(publicKey: Uint8Array): boolean {
  return publicKey.length === HALF && isStrictPoint(publicKey);
}

/** Whether these bytes may be a signature: 64 of them, an R like a key, and an s below L. */
export function isStrictSignature(signature: Uint8Array): boolean {
  if (signature.length !== 2 * HALF) return false;
  // RFC 8032, section 5.1.7, step 1: "in the range 0 <= s < L". With s + L the same signature would hold in another spelling.
  return isStrictPoint(signature.subarray(0, HALF)) && isBelow(signature.subarray(HALF), L);
}

function isStrictPoint(encoded: Uint8Array): boolean {
  const y = encoded.slice();
  y[HALF - 1] = (y[HALF - 1] ?? 0) & 0x7f; // without the sign of x
  // RFC 8032, section 5.1.3, step 1: "If the resulting value is >= p, decoding fails". Its step 4 (x = 0 with a sign) concerns points of small order alone.
  return isBelow(y, P) && !SMALL_ORDER_Y.some((small) => y.every((byte, i) => byte === small[i]));
}

/** Whether one number is smaller than another, both of 32 bytes, little endian. */
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
