import { describe, expect, it } from "vitest";
import { MAX_MASTER_KEY_SIGNATURES } from "../../src/keys/limits.js";
import { keyPair, signed, signedAccount, withSignature, type Answered } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { alice, bob, mallory, verify } from "./verify.js";

describe("our own signatures on another user's master key", () => {
  const signedBy = (masterKey: Answered["masterKey"]) => verify({ masterKey }).list.identity.signedBy;

  it("are the valid ones, by their public keys", () => {
    expect(signedBy(signed(bob.masterKey, ALICE, alice.userSigning))).toEqual([alice.userSigning.publicKey]);
    const former = signedAccount(ALICE, "former").userSigning;
    expect(signedBy(signed(signed(bob.masterKey, ALICE, former), ALICE, alice.userSigning))).toEqual([
      former.publicKey,
      alice.userSigning.publicKey,
    ]);
  });

  it.each([
    ["by another key in our key's name", signed(bob.masterKey, ALICE, mallory, alice.userSigning.publicKey)],
    ["in another user's name", signed(bob.masterKey, CAROL, alice.userSigning)],
    ["that are not base64", withSignature(bob.masterKey, ALICE, alice.userSigning.publicKey, "?")],
    ["by one of our devices", signed(bob.masterKey, ALICE, keyPair(`${ALICE} PHONE`), "PHONE")],
    [
      "for another master key",
      {
        ...bob.masterKey,
        signatures: signed(signedAccount(BOB, "former").masterKey, ALICE, alice.userSigning).signatures ?? {},
      },
    ],
    ["by a key of small order", withSignature(bob.masterKey, ALICE, "A".repeat(43), "A".repeat(86))],
  ])("do not include any %s", (_, masterKey) => {
    expect(signedBy(masterKey)).toEqual([]);
  });

  it("are not checked on our own master key", () => {
    const { list, checked } = verify({ account: alice, masterKey: signed(alice.masterKey, ALICE, alice.userSigning) });
    expect(list.identity.signedBy).toEqual([]);
    expect(checked).toBe(2);
  });

  it("are checked up to a limit", () => {
    let masterKey = bob.masterKey;
    for (let i = 0; i < MAX_MASTER_KEY_SIGNATURES + 3; i++)
      masterKey = withSignature(masterKey, ALICE, keyPair(`key ${i}`).publicKey, "A".repeat(86));
    expect(verify({ masterKey, selfSigningKey: undefined }).checked).toBe(MAX_MASTER_KEY_SIGNATURES);
  });
});
