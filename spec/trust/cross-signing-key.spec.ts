import { describe, expect, it } from "vitest";
import { isPublicKey, publicKeyOf, signatureBy } from "../../src/trust/cross-signing-key.js";
import { crossSigningKey, keyPair } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";

const { publicKey } = keyPair("a");
const other = keyPair("b").publicKey;
const zero = "A".repeat(43);
/** y = p + 3: one of the few that have a second spelling. */
const notCanonical = Buffer.from(`f0${"ff".repeat(30)}7f`, "hex")
  .toString("base64")
  .slice(0, 43);
const NO_KEYS: readonly (readonly [string, string])[] = [
  ["of too few bytes", publicKey.slice(0, 42)],
  ["of too many", `${publicKey}AA`],
  ["of very many", "A".repeat(60_000)],
  ["that is empty", ""],
  ["that is padded", `${publicKey}=`],
  ["in the alphabet for URLs", `-${publicKey.slice(1)}`],
  ["with white space", ` ${publicKey.slice(1)}`],
  ["with bits that stand for nothing", `${publicKey.slice(0, 42)}B`],
  ["of small order", zero],
  ["that is not canonical", notCanonical],
];

describe("publicKeyOf", () => {
  const keyIn = (keys: Readonly<Record<string, string>>) => publicKeyOf({ user_id: BOB, usage: ["master"], keys });

  it("gives the one key, as it is written and as bytes", () => {
    expect(publicKeyOf(crossSigningKey(BOB, "master", { publicKey }))).toEqual({
      text: publicKey,
      bytes: new Uint8Array(Buffer.from(publicKey, "base64")),
    });
  });

  it.each([
    ["none", {}],
    ["two", { [`ed25519:${publicKey}`]: publicKey, [`ed25519:${other}`]: other }],
    ["one of another algorithm beside it", { [`ed25519:${publicKey}`]: publicKey, "org.example:x": "x" }],
  ])("refuses other numbers of keys than one: %s", (_, keys) => {
    expect(keyIn(keys)).toEqual({ problem: "keys: expected exactly one" });
  });

  it.each([
    ["the ID of another key", { [`ed25519:${other}`]: publicKey }],
    ["a name for an ID", { "ed25519:MASTER": publicKey }],
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
  it("takes a public key as it is written", () => {
    expect(isPublicKey(publicKey)).toBe(true);
  });

  it.each(NO_KEYS)("does not take a text %s", (_, text) => {
    expect(isPublicKey(text)).toBe(false);
  });
});

describe("signatureBy", () => {
  const signatures = { [BOB]: { "ed25519:K": "bob's", "curve25519:L": "?" }, [ALICE]: { "ed25519:L": "alice's" } };

  it("gives the signature in this user's name, by the key of this ID", () => {
    expect(signatureBy(signatures, BOB, "K")).toBe("bob's");
    expect(signatureBy(signatures, ALICE, "L")).toBe("alice's");
  });

  it("gives none in another name, by another key or of another algorithm", () => {
    expect([
      signatureBy(signatures, ALICE, "K"),
      signatureBy(signatures, BOB, "L"),
      signatureBy(undefined, BOB, "K"),
      signatureBy({}, BOB, "K"),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("takes names of JavaScript for names, and what is no text for nothing", () => {
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
