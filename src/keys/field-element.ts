/** p = 2^255 - 19: both curves use the numbers below it. RFC 7748, section 4.1; RFC 8032, section 5.1. */
const P = bytesOfHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");

/** The length of a number in bytes, little endian. */
export const LENGTH = 32;

/** Masks the highest bit of the last byte: X25519 ignores it, and in ed25519 it is the sign of x. */
const WITHOUT_HIGHEST_BIT = 0x7f;

export function isBelow(limit: Uint8Array, bytes: Uint8Array, at = 0): boolean {
  return isLess(limit, bytes, at, 0xff);
}

/** True if the 32 bytes from `at`, without the highest bit, are a number below p and not in `refused`. */
export function isFieldElement(refused: readonly Uint8Array[], bytes: Uint8Array, at = 0): boolean {
  return isLess(P, bytes, at, WITHOUT_HIGHEST_BIT) && !refused.some((one) => isSame(one, bytes, at));
}

function isLess(limit: Uint8Array, bytes: Uint8Array, at: number, mask: number): boolean {
  for (let i = LENGTH - 1; i >= 0; i--) {
    const difference = byteAt(bytes, at, i, mask) - (limit[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function isSame(number: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < LENGTH; i++) if (byteAt(bytes, at, i, WITHOUT_HIGHEST_BIT) !== number[i]) return false;
  return true;
}

const byteAt = (bytes: Uint8Array, at: number, i: number, mask: number): number =>
  (bytes[at + i] ?? 0) & (i === LENGTH - 1 ? mask : 0xff);

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
