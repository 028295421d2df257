import { otherSpelling, weakKey } from "./curve25519.js";
import { jsonObject, numeral, type Json } from "./json.js";
import { unpadded } from "./key-pair.js";
import type { Random } from "../support/random.js";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
/** L, the order of the base point. RFC 8032, section 5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const BASE_POINT = hex(`58${"66".repeat(31)}`);
const ORDER_1 = hex(`01${"00".repeat(31)}`);

/** Points of small order, and non-canonical encodings. */
export const WEAK_KEYS: readonly string[] = [
  ORDER_1,
  hex("00".repeat(32)), // order 4
  hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8
  hex(`ec${"ff".repeat(30)}7f`), // order 2
  hex(`ee${"ff".repeat(30)}7f`), // order 1, not canonical
  hex(`ed${"ff".repeat(30)}7f`), // order 4, not canonical
  hex(`f0${"ff".repeat(30)}7f`), // y = 3 + p
  hex("ff".repeat(32)), // not canonical
].map(unpadded);

/** Not a point of the curve: for this y there is no x. */
export const NO_POINT = unpadded(hex(`02${"00".repeat(31)}`));

/** Keys that no honest client creates. None is too long, because the machine panics for those (long-key.spec.ts). */
const ODD_KEYS: readonly string[] = [
  ...WEAK_KEYS,
  NO_POINT,
  ...["11".repeat(31), ""].map((key) => unpadded(hex(key))), // too short, empty
];

/**
 * A key of order 1 with a signature that is valid for any message if a verifier accepts the key: R is the base point, s
 * is 1.
 */
export const UNIVERSAL = { publicKey: unpadded(ORDER_1), signature: unpadded(Buffer.concat([BASE_POINT, ORDER_1])) };

/** The same bytes in another encoding. */
function reencoded(text: string, random: Random): string {
  const last = text.at(-1) ?? "A";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return random.pick([
    `${text}${"=".repeat((4 - (text.length % 4)) % 4)}`,
    `${text}=`,
    ` ${text}`,
    `${text}\n`,
    text.replaceAll("+", "-").replaceAll("/", "_"),
    text.slice(0, -1) + (alphabet[alphabet.indexOf(last) + 1] ?? "B"), // usually only changes bits beyond the last byte
  ]);
}

export function oddKey(text: string, random: Random): string {
  return random.pick([random.pick(ODD_KEYS), reencoded(text, random), text.slice(0, -1), "", "key", "\u{1f511}"]);
}

export function oddCurve25519Key(text: string, random: Random): string {
  if (random.chance(0.7)) return oddKey(text, random);
  return random.chance(0.5) ? weakKey(random) : otherSpelling(text);
}

export function oddSignature(text: string, random: Random): string {
  const bytes = Buffer.from(text, "base64");
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
  const sPlusL = (BigInt(`0x${Buffer.from(s).reverse().toString("hex") || "0"}`) + L).toString(16).padStart(64, "0");
  return random.pick([
    unpadded(Buffer.concat([r, hex(sPlusL).reverse()])),
    reencoded(text, random),
    unpadded(Buffer.concat([ORDER_1, s])),
    unpadded(Buffer.alloc(64)),
    UNIVERSAL.signature,
    unpadded(bytes.subarray(1)),
    unpadded(Buffer.concat([bytes, hex("11")])),
    unpadded(bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))),
    "",
    "signature",
  ]);
}

/** A value of the wrong type for nearly every place. */
export function wrongValue(random: Random): Json {
  return random.pick<Json>([
    null,
    true,
    1,
    numeral("1.5"),
    "",
    "text",
    [],
    ["text"],
    [1],
    jsonObject(),
    jsonObject({ a: "b" }),
    jsonObject({ a: 1 }),
    jsonObject({ "ed25519:a": "b" }),
  ]);
}

function nested(depth: number): Json {
  return depth === 0 ? [] : [nested(depth - 1)];
}

/** A property unknown to the Matrix spec. Numbers are written as they are here. */
export function extraMember(random: Random): readonly [name: string, value: Json] {
  return random.pick<readonly [string, Json]>([
    ["org.example.extra", "text"],
    ["org.example.extra", jsonObject({ b: [1, null, true], a: jsonObject() })],
    ["org.example.integer", numeral("9007199254740991")],
    ["org.example.integer", numeral("9007199254740993")],
    ["org.example.integer", numeral("-9007199254740992")],
    ["org.example.integer", numeral("123456789012345678901234567890")],
    ["org.example.fraction", numeral("1.5")],
    ["org.example.fraction", numeral("1.0")],
    ["org.example.exponent", numeral("1e3")],
    ["org.example.exponent", numeral("1E400")],
    ["org.example.zero", numeral("-0")],
    ["__proto__", "text"],
    ["__proto__", jsonObject({ user_id: "@eve:example.org" })],
    ["constructor", jsonObject({ prototype: null })],
    ["toJSON", "text"],
    ["", "text"],
    ["org.example.half", "\ud800"],
    ["org.example.\udc00", 1],
    ["org.example.order", jsonObject({ "\uffff": 1, "\u{1f600}": 2, "\ue000": 3, "10": 4, "9": 5 })],
    ["org.example.controls", '\u0000\u001f\u007f\u2028"\\/\b'],
    ["org.example.deep", nested(random.pick([20, 40, 200]))],
    ["org.example.long", "x".repeat(random.pick([1_000, 70_000]))],
  ]);
}
