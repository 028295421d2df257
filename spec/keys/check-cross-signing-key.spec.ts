import { describe, expect, it } from "vitest";
import { checkCrossSigningKey } from "../../src/keys/check-cross-signing-key.js";
import { MAX_DEVICE_LENGTH } from "../../src/keys/limits.js";

const BOB = "@bob:example.org";
const master = { user_id: BOB, usage: ["master"], keys: { "ed25519:K": "K" } };

describe("checkCrossSigningKey", () => {
  const problem = (value: unknown, usage: "master" | "self_signing" | "user_signing" = "master") => {
    const checked = checkCrossSigningKey(value, BOB, usage);
    return "problem" in checked ? checked.problem : undefined;
  };

  it("returns the same object, with unknown properties", () => {
    const strange = { ...master, "org.example.extra": 1, signatures: { [BOB]: { "ed25519:PHONE": "s" } } };
    expect(checkCrossSigningKey(strange, BOB, "master")).toEqual({ key: strange });
    const checked = checkCrossSigningKey(strange, BOB, "master");
    expect("key" in checked && checked.key).toBe(strange);
  });

  it.each([
    ["a key of another user", { ...master, user_id: "@mallory:example.org" }],
    ["a key for another usage", { ...master, usage: ["self_signing"] }],
    ["a key without a usage", { ...master, usage: [] }],
    ["a usage that is not an array", { ...master, usage: "master" }],
    ["missing keys", { user_id: BOB, usage: ["master"] }],
    ["keys that are not strings", { ...master, keys: { a: 1 } }],
    ["an array", [master]],
    ["malformed signatures", { ...master, signatures: { [BOB]: [] } }],
    ["a key that is too large", { ...master, extra: "x".repeat(MAX_DEVICE_LENGTH) }],
  ])("refuses %s", (_, value) => {
    expect(problem(value)).toEqual(expect.any(String));
  });

  it("accepts a key with more usages than the requested one", () => {
    expect(problem({ ...master, usage: ["self_signing", "master"] })).toBeUndefined();
  });
});
