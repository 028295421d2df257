import { describe, expect, it } from "vitest";
import { crossSigningKey, signed, signedAccount } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";
import { alice, bob, mallory, phone, verify } from "./verify.js";

describe("the master key", () => {
  it("identifies the user by its public key", () => {
    const { list, refusals } = verify({ devices: [phone] });
    expect(list).toMatchObject({
      masterKey: bob.masterKey,
      selfSigningKey: bob.selfSigningKey,
      identity: { masterKey: bob.master.publicKey, signedBy: [] },
    });
    expect(refusals).toEqual([]);
  });

  it("invalidates the keys it should have signed if it is missing", () => {
    const { list, refusals } = verify({ devices: [phone], masterKey: undefined });
    expect(list).not.toHaveProperty("masterKey");
    expect(list).not.toHaveProperty("selfSigningKey");
    expect(list.identity).toEqual({ signedBy: [] });
    expect(list.deviceStatus.get("PHONE")).toMatchObject({ signedByItself: true, crossSigned: false });
    expect(refusals.map(({ path }) => path)).toEqual(["self_signing_keys"]);
  });

  it("invalidates them, too, if it is malformed, and is reported", () => {
    const { list, refusals } = verify({
      devices: [phone],
      masterKey: { ...bob.masterKey, keys: { "ed25519:ID": bob.master.publicKey } },
    });
    expect(list).not.toHaveProperty("masterKey");
    expect(list).not.toHaveProperty("selfSigningKey");
    expect(list.identity).toEqual({ signedBy: [] });
    expect(refusals.map(({ path }) => path)).toEqual(["master_keys", "self_signing_keys"]);
  });
});

describe.each([
  ["selfSigningKey", "self_signing_keys", "self_signing", "selfSigning"],
  ["userSigningKey", "user_signing_keys", "user_signing", "userSigning"],
] as const)("our %s", (name, path, usage, pair) => {
  const key = alice[name];
  const unsigned = crossSigningKey(ALICE, usage, alice[pair]);

  it("is kept if the master key has signed it", () => {
    expect(verify({ account: alice }).list[name]).toEqual(key);
  });

  it.each([
    ["without a signature", unsigned],
    ["that another key has signed in the master key's name", signed(unsigned, ALICE, mallory, alice.master.publicKey)],
    ["that another key has signed in its own name", signed(unsigned, ALICE, mallory)],
    ["that it has signed itself", signed(unsigned, ALICE, alice[pair])],
    ["that a former master key has signed", signedAccount(ALICE, "former")[name]],
    ["whose signature is in another user's name", signed(unsigned, BOB, alice.master)],
    ["that was altered", { ...key, usage: [...key.usage, "more"] }],
    ["whose signature has another key ID", signed(unsigned, ALICE, alice.master, "MASTER")],
    ["with two keys", signed({ ...unsigned, keys: { ...unsigned.keys, "ed25519:x": "x" } }, ALICE, alice.master)],
    ["for another usage", signed({ ...unsigned, usage: ["master"] }, ALICE, alice.master)],
    ["of another user", signed({ ...unsigned, user_id: BOB }, ALICE, alice.master)],
  ])("is the only key left out if it is one %s", (_, given) => {
    const other = name === "selfSigningKey" ? "userSigningKey" : "selfSigningKey";
    const { list } = verify({ account: alice, [name]: given, devices: [alice.device("PHONE")] });
    expect(list).not.toHaveProperty(name);
    expect(list[other]).toEqual(alice[other]);
    expect(list.masterKey).toEqual(alice.masterKey);
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE"]);
  });

  it("is reported if its signature is invalid", () => {
    expect(verify({ account: alice, [name]: unsigned }).refusals).toEqual([
      { path, problem: "signatures: expected a valid one by the user's master key" },
    ]);
  });

  it("may be missing", () => {
    const { list, refusals } = verify({ account: alice, [name]: undefined });
    expect(list).not.toHaveProperty(name);
    expect(refusals).toEqual([]);
  });
});
