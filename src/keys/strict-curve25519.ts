import { ALPHABET } from "./base64.js";
import { bytesOfHex, isFieldElement, LENGTH } from "./field-element.js";

/*
 * Refused curve25519 keys: with a key of small order, the shared secret is zero whatever the other key, and a number
 * from p = 2^255 - 19 on is a second spelling of a smaller one. The highest bit of the last byte is ignored, as X25519
 * does: keys that differ only in it are one key (RFC 7748, sections 5 and 6.1).
 */

/** The u of the points of small order below p, on the curve and on its twist, little endian. */
const SMALL_ORDER: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", // order 8
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p - 1
].map(bytesOfHex);

/** True if these bytes can be a public key: 32 bytes, below p, not of small order. */
export const isStrictCurve25519Key = (bytes: Uint8Array): boolean =>
  bytes.length === LENGTH && isFieldElement(SMALL_ORDER, bytes);

/** The character of 43 in unpadded base64 that has the highest bit of the last byte, and that bit in it. */
const [AT, BIT] = [41, 0b1000];

/** Returns the spelling used for comparisons, without the ignored bit. */
export function canonicalCurve25519(text: string): string {
  const six = ALPHABET.indexOf(text.charAt(AT));
  if (six === -1 || (six & BIT) === 0) return text;
  return text.slice(0, AT) + ALPHABET.charAt(six & ~BIT) + text.slice(AT + 1);
}
