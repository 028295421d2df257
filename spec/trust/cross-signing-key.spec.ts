import { describe, expect, it } from "vitest";
import { isPublicKey, publicKeyOf, signatureBy } from "../../src/trust/cross-signing-key.js";
import { crossSigningKey, keyPair } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";

const { publicKey } = keyPair("a");
const other = keyPair("b").publicKey;
const zero = "A".repeat(43);
/** y = p + 3: one of the few points with a second encoding. */
const notCanonical = Buffer.from(`f0${"ff".repeat(30)}7f`, "hex")
  .toString("base64")
  .slice(0, 43);
const NO_KEYS: readonly (readonly [string, string])[] = [
  ["of too few bytes", publicKey.slice(0, 42)],
  ["of too many bytes", `${publicKey}AA`],
  ["of far too many bytes", "A".repeat(60_000)],
  ["that is empty", ""],
  ["that is padded", `${publicKey}=`],
  ["in the alphabet for URLs", `-${publicKey.slice(1)}`],
  ["with white space", ` ${publicKey.slice(1)}`],
  ["with bits beyond the last byte", `${publicKey.slice(0, 42)}B`],
  ["of small order", zero],
  ["that is not canonical", notCanonical],
];

describe("publicKeyOf", () => {
  const keyIn = (keys: Readonly<Record<string, string>>) => publicKeyOf({ user_id: BOB, usage: ["master"], keys });

  it("returns the key as text and as bytes", () => {
    expect(publicKeyOf(crossSigningKey(BOB, "master", { publicKey }))).toEqual({
      text: publicKey,
      bytes: new Uint8Array(Buffer.from(publicKey, "base64")),
    });
  });

  it.each([
    ["no key", {}],
    ["two keys", { [`ed25519:${publicKey}`]: publicKey, [`ed25519:${other}`]: other }],
    ["a key of another algorithm, too", { [`ed25519:${publicKey}`]: publicKey, "org.example:x": "x" }],
  ])("refuses an object with %s", (_, keys) => {
    expect(keyIn(keys)).toEqual({ problem: "keys: expected exactly one" });
  });

  it.each([
    ["the ID of another key", { [`ed25519:${other}`]: publicKey }],
    ["a name as its ID", { "ed25519:MASTER": publicKey }],
    ["no algorithm", { [publicKey]: publicKey }],
    ["another algorithm", { [`curve25519:${publicKey}`]: publicKey }],
    ["an empty ID", { "ed25519:": publicKey }],
  ])("refuses a key with %s", (_, keys) => {
    expect(keyIn(keys)).toEqual({ problem: "keys: expected the public key as the key's ID" });
  });

  it.each(NO_KEYS)("refuses a key %s", (_, text) => {
    expect(keyIn({ [`ed25519:${text}`]: text })).toEqual({
      problem: "keys: expected an ed25519 public key in unpadded base64",
    });
  });
});

describe("isPublicKey", () => {
  it("accepts a public key", () => {
    expect(isPublicKey(publicKey)).toBe(true);
  });

  it.each(NO_KEYS)("refuses a text %s", (_, text) => {
    expect(isPublicKey(text)).toBe(false);
  });
});

describe("signatureBy", () => {
  const signatures = { [BOB]: { "ed25519:K": "bob's", "curve25519:L": "?" }, [ALICE]: { "ed25519:L": "alice's" } };

  it("returns the signature by this user and key", () => {
    expect(signatureBy(signatures, BOB, "K")).toBe("bob's");
    expect(signatureBy(signatures, ALICE, "L")).toBe("alice's");
  });

  it("ignores signatures by other users, keys and algorithms", () => {
    expect([
      signatureBy(signatures, ALICE, "K"),
      signatureBy(signatures, BOB, "L"),
      signatureBy(undefined, BOB, "K"),
      signatureBy({}, BOB, "K"),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("reads own properties only, and ignores values that are not strings", () => {
    expect([signatureBy({}, "constructor", "name"), signatureBy({ [BOB]: {} }, "__proto__", "K")]).toEqual([
      undefined,
      undefined,
    ]);
    const strange: unknown = { [BOB]: { "ed25519:K": 5 } };
    expect(signatureBy(strange as typeof signatures, BOB, "K")).toBeUndefined();
    const named: unknown = JSON.parse('{"__proto__":{"ed25519:__proto__":"s"}}');
    expect(signatureBy(named as typeof signatures, "__proto__", "__proto__")).toBe("s");
  });
});
