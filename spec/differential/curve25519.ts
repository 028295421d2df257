import { unpadded } from "./key-pair.js";
import type { Random } from "../support/random.js";

/** The prime of the field, and the bit that X25519 ignores. RFC 7748, sections 4.1 and 5. */
const P = 2n ** 255n - 19n;
const IGNORED = 2n ** 255n;
/** The u of the points of small order, on the curve and on its twist. https://cr.yp.to/ecdh.html#validate */
const SMALL_ORDER: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

const numberOf = (text: string): bigint => BigInt(`0x${Buffer.from(text, "base64").reverse().toString("hex") || "0"}`);
const textOf = (number: bigint): string =>
  unpadded(Buffer.from(number.toString(16).padStart(64, "0"), "hex").reverse());
const u = (text: string): bigint => numberOf(text) % IGNORED;

/** Whether 32 bytes are a key of small order, or a number that only spells a smaller one. */
export const isWeak = (text: string): boolean =>
  Buffer.from(text, "base64").length === 32 && (u(text) >= P || SMALL_ORDER.includes(u(text)));

export const isSame = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === "string" && typeof b === "string" && u(a) === u(b));

/** The same key with the bit that is ignored. */
export const otherSpelling = (text: string): string => textOf(u(text) + IGNORED);

/** A point of small order, in any spelling. */
export function weakKey(random: Random): string {
  const point = random.pick(SMALL_ORDER);
  const spelling = random.chance(0.3) && point < 19n ? point + P : point;
  return textOf(random.chance(0.3) ? spelling + IGNORED : spelling);
}
