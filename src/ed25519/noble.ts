import type { Point } from "@noble/ed25519";
import type { Engine } from "./engine.js";

/** L, the order of the base point. RFC 8032, section 5.1. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** Bits of a number below L. */
const BITS = 253n;

/**
 * ed25519 in JavaScript, loaded on demand.
 *
 * Implements the verification equation with the library's arithmetic, because the library's own `verify` multiplies it
 * by the cofactor. Even with `zip215: false` it accepts signatures whose key or R has a component of small order, which
 * no platform does: whether a device counts as signed would depend on the platform. It also requires setting
 * `hashes.sha512`, a global that the application may use as well, and first computes a table, which blocks the page for
 * 100 ms.
 */
export async function noble(): Promise<Engine<Point>> {
  const [{ etc, Point: Curve }, { sha512 }] = await Promise.all([
    import("@noble/ed25519"),
    import("@noble/hashes/sha2.js"),
  ]);
  const number = (littleEndian: Uint8Array) => BigInt(`0x${etc.bytesToHex(littleEndian.slice().reverse())}`);

  /**
   * [s]B + [k]P in one pass (Straus): one doubling and at most one addition for each bit. Not constant-time, because
   * nothing is secret here.
   */
  const sum = (s: bigint, k: bigint, point: Point): Point => {
    const terms = [undefined, Curve.BASE, point, Curve.BASE.add(point)];
    let result = Curve.ZERO;
    for (let bit = BITS - 1n; bit >= 0n; bit--) {
      result = result.double();
      const term = terms[Number((s >> bit) & 1n) + 2 * Number((k >> bit) & 1n)];
      if (term !== undefined) result = result.add(term);
    }
    return result;
  };

  return {
    importKey: (publicKey) => {
      try {
        return Curve.fromBytes(publicKey);
      } catch {
        return undefined;
      }
    },
    verify: (key, { publicKey, message, signature }) => {
      const encodedR = signature.subarray(0, 32);
      const s = number(signature.subarray(32));
      // RFC 8032, section 5.1.7, steps 2 and 3: k = SHA-512(R || A || M), and [S]B = R + [k]A without the cofactor:
      // "sufficient, but not required".
      const k = number(sha512(etc.concatBytes(encodedR, publicKey, message))) % ORDER;
      const expectedR = sum(s, k, key.negate()).toBytes();
      return expectedR.every((byte, i) => byte === encodedR[i]);
    },
  };
}
