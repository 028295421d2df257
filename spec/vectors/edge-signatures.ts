import { etc, Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";
import { hex } from "./hex.js";

/** L, the order of the base point. RFC 8032, section 5.1. */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const littleEndian = (number: bigint): Uint8Array => hex(number.toString(16).padStart(64, "0")).reverse();
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${etc.bytesToHex(bytes.slice().reverse())}`);
const hash = (encodedR: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint =>
  numberOf(sha512(etc.concatBytes(encodedR, publicKey, message))) % ORDER;

/** All points of small order: [0]T to [7]T for a point T of order 8. */
export const smallOrder: readonly Point[] = (() => {
  // L times any point is its component of small order. Take the first y with a component of order 8.
  for (let y = 2n; ; y++) {
    const encoded = littleEndian(y);
    let point: Point;
    try {
      point = Point.fromBytes(encoded);
    } catch {
      continue;
    }
    const component = point.multiplyUnsafe(ORDER - 1n).add(point);
    if (!component.double().double().is0())
      return Array.from({ length: 8 }, (_, n) => component.multiplyUnsafe(BigInt(n)));
  }
})();
const [identity, T] = smallOrder as readonly [Point, Point];

/** Arbitrary secret scalars of a signer and of a signature. */
const a = 2n ** 251n + 12345678901234567890n;
const r = 2n ** 250n + 98765432109876543210n;
const A = Point.BASE.multiplyUnsafe(a);
const R = Point.BASE.multiplyUnsafe(r);

/**
 * Signs the first message "0", "1", … whose hash k `fits`, with a key and an R that may have components of small order.
 */
function sign(
  key: Point,
  encodedR: Uint8Array,
  s: (k: bigint) => bigint,
  fits: (k: bigint) => boolean = () => true,
): SignatureCheck {
  const publicKey = key.toBytes();
  for (let n = 0; ; n++) {
    const message = new TextEncoder().encode(String(n));
    const k = hash(encodedR, publicKey, message);
    if (fits(k)) return { publicKey, message, signature: etc.concatBytes(encodedR, littleEndian(s(k))) };
  }
}
const proper = (k: bigint): bigint => (r + k * a) % ORDER;

/**
 * Signatures crafted by the holder of a private key so that implementations disagree about them, and whether they are
 * valid.
 */
export const edgeSignatures: readonly (readonly [name: string, check: SignatureCheck, holds: boolean])[] = [
  ["an ordinary signature", sign(A, R.toBytes(), proper), true],
  ["s = 0", sign(A, A.toBytes(), () => 0n), false],
  ["s + L instead of s", sign(A, R.toBytes(), (k) => proper(k) + ORDER), false],
  [
    "a key with a component of order 8 that the hash cancels",
    sign(A.add(T), R.toBytes(), proper, (k) => k % 8n === 0n),
    true,
  ],
  [
    "a key with a component of order 8 that only the cofactor cancels",
    sign(A.add(T), R.toBytes(), proper, (k) => k % 8n !== 0n),
    false,
  ],
  ["an R with a component of order 8 that only the cofactor cancels", sign(A, R.add(T).toBytes(), proper), false],
  [
    "a key and an R with components of order 8 that cancel each other",
    sign(A.add(T), R.add(T).toBytes(), proper, (k) => k % 8n === 7n),
    true,
  ],
  ["a key of order 1, which accepts any message", sign(identity, R.toBytes(), () => r), false],
  [
    "a key of order 8 that the hash cancels",
    sign(
      T,
      R.toBytes(),
      () => r,
      (k) => k % 8n === 0n,
    ),
    false,
  ],
  ["an R of order 1", sign(A, identity.toBytes(), (k) => (k * a) % ORDER), false],
  [
    "an R of order 1 in a non-canonical encoding",
    sign(A, hex(`ee${"ff".repeat(30)}7f`), (k) => (k * a) % ORDER),
    false,
  ],
  ["an R of order 8", sign(A, T.toBytes(), (k) => (k * a) % ORDER), false],
  ["a key that is not a point of the curve", { ...sign(A, R.toBytes(), proper), publicKey: littleEndian(2n) }, false],
  ["an R that is not a point of the curve", sign(A, littleEndian(2n), proper), false],
];
