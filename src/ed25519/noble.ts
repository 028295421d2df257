import type { Point } from "@noble/ed25519";
import type { Engine } from "./engine.js";

/** L, the order of the base point: RFC 8032, section 5.1. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** Bits of a number below L. */
const BITS = 253n;

/**
 * ed25519 in JavaScript, loaded when it is asked for.
 *
 * The equation is written out here, upon the library's arithmetic, because its own `verify` multiplies it by the cofactor: with `zip215: false`, too, it takes
 * signatures whose key or R has a part of small order, which no platform does, and whether a device counts as signed would depend on who looks. Apart from that, it wants
 * `hashes.sha512` set, which an application may share with us, and makes itself a table first, which holds the page up for a tenth of a second.
 */
export async function noble(): Promise<Engine<Point>> {
  const [{ etc, Point: Curve }, { sha512 }] = await Promise.all([
    import("@noble/ed25519"),
    import("@noble/hashes/sha2.js"),
  ]);
  const number = (littleEndian: Uint8Array) => BigInt(`0x${etc.bytesToHex(littleEndian.slice().reverse())}`);

  /** [s]B + [k]P, both at once (Straus): one doubling for each bit, and one addition at the most. Nothing is secret here, so its time may tell. */
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
      // RFC 8032, section 5.1.7, steps 2 and 3: k = SHA-512(R || A || M), and [S]B = R + [k]A without the cofactor, which is "sufficient, but not required".
      const k = number(sha512(etc.concatBytes(encodedR, publicKey, message))) % ORDER;
      const expectedR = sum(s, k, key.negate()).toBytes();
      return expectedR.every((byte, i) => byte === encodedR[i]);
    },
  };
}
