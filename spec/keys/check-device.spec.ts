import { describe, expect, it } from "vitest";
import { checkCrossSigningKey } from "../../src/keys/check-cross-signing-key.js";
import { checkDevice } from "../../src/keys/check-device.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH } from "../../src/keys/limits.js";
import { testDevice } from "../../src/testing/test-device.js";

const BOB = "@bob:example.org";
const device = testDevice(BOB, "PHONE", {
  signatures: { [BOB]: { "ed25519:PHONE": "s" } },
  unsigned: { device_display_name: "Bob's phone" },
});
const master = { user_id: BOB, usage: ["master"], keys: { "ed25519:K": "K" } };
const parse = (json: string): unknown => JSON.parse(json);
/** An object that nests so deep, counted from the device down. */
const nested = (depth: number): unknown => (depth <= 1 ? {} : { a: nested(depth - 1) });

function rejection(value: unknown, userId = BOB, deviceId = "PHONE"): string | undefined {
  const checked = checkDevice(value, userId, deviceId);
  return "rejected" in checked ? checked.rejected.code : undefined;
}

describe("checkDevice", () => {
  it("gives the very object, unknown properties and all", () => {
    const strange = { ...device, "org.example.extra": { deep: [1, null, "x"] }, dehydrated: true };
    const checked = checkDevice(strange, BOB, "PHONE");
    expect("device" in checked && checked.device).toBe(strange);
    expect(strange).toEqual({ ...device, "org.example.extra": { deep: [1, null, "x"] }, dehydrated: true });
  });

  it.each([
    ["without signatures", { signatures: undefined }],
    ["without unsigned", { unsigned: undefined }],
    ["without algorithms", { algorithms: [] }],
    ["without keys", { keys: {} }],
  ])("takes one %s", (_, properties) => {
    const { signatures, unsigned, ...bare } = { ...device, ...properties };
    expect(rejection({ ...bare, ...(signatures && { signatures }), ...(unsigned && { unsigned }) })).toBeUndefined();
  });

  it("refuses a device ID that is longer than IDs may be: it is pinned for ever", () => {
    const deviceId = "x".repeat(256);
    expect(checkDevice(testDevice(BOB, deviceId), BOB, deviceId)).toMatchObject({ rejected: { code: "too-large" } });
  });

  it.each(["__proto__", "constructor", "prototype", "toString", "", "🦊", "a\u0000b", "x".repeat(255)])(
    "takes a device called %j, and a user of that name",
    (name) => {
      const userId = `@${name}:example.org`;
      expect(rejection(testDevice(userId, name), userId, name)).toBeUndefined();
    },
  );

  it.each([
    ["null", null],
    ["a string", "x"],
    ["an array", [device]],
    ["no user_id", { ...device, user_id: 5 }],
    ["no device_id", { ...device, device_id: null }],
    ["algorithms that are no list", { ...device, algorithms: "m.olm" }],
    ["an algorithm that is no string", { ...device, algorithms: ["m.olm", 5] }],
    ["no keys", (({ keys: _, ...rest }) => rest)(device)],
    ["keys that are no object", { ...device, keys: ["a"] }],
    ["a key that is no string", { ...device, keys: { ...device.keys, "ed25519:X": { key: "a" } } }],
    ["a key called __proto__ that is no string", { ...device, keys: parse('{"__proto__":5}') }],
    ["signatures that are no object", { ...device, signatures: [] }],
    ["signatures of a user that are no object", { ...device, signatures: { [BOB]: "x" } }],
    ["signatures of a user called __proto__ that are no object", { ...device, signatures: parse('{"__proto__":"x"}') }],
    ["a signature that is no string", { ...device, signatures: { [BOB]: { "ed25519:PHONE": 5 } } }],
    ["unsigned that is no object", { ...device, unsigned: "x" }],
    ["unsigned that is a list", { ...device, unsigned: [] }],
  ])("refuses %s as malformed", (_, value) => {
    expect(rejection(value)).toBe("malformed");
  });

  it("refuses what only inherits what a device has", () => {
    expect(rejection(parse(`{"__proto__":${JSON.stringify(device)}}`))).toBe("malformed");
    expect(rejection(Object.create(device))).toBe("too-large"); // no JSON at all
  });

  it("refuses another user's, and one by another name, and says whose it is", () => {
    expect(checkDevice(device, "@mallory:example.org", "PHONE")).toEqual({
      rejected: {
        code: "user-id-mismatch",
        detail: 'user_id: expected "@mallory:example.org", found "@bob:example.org"',
      },
    });
    expect(checkDevice(device, BOB, "TABLET")).toEqual({
      rejected: { code: "device-id-mismatch", detail: 'device_id: expected "TABLET", found "PHONE"' },
    });
  });

  it("compares IDs as they are: neither case nor normalisation nor whitespace makes them the same", () => {
    expect(rejection(device, "@Bob:example.org")).toBe("user-id-mismatch");
    expect(rejection(device, BOB, "phone")).toBe("device-id-mismatch");
    expect(rejection(device, BOB, "PHONE ")).toBe("device-id-mismatch");
    expect(rejection(testDevice(BOB, "\u00e9"), BOB, "e\u0301")).toBe("device-id-mismatch");
  });

  it("refuses what is too large or nested too deep, as JSON.parse gives it", () => {
    expect(rejection({ ...device, extra: "x".repeat(MAX_DEVICE_LENGTH) })).toBe("too-large");
    expect(rejection({ ...device, extra: nested(MAX_DEVICE_DEPTH - 1) })).toBeUndefined();
    expect(rejection({ ...device, extra: nested(MAX_DEVICE_DEPTH) })).toBe("too-large");
    expect(rejection(parse(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`))).toBe("too-large");
    expect(rejection({ ...device, extra: () => 1 })).toBe("too-large");
  });

  it("tells of hostile IDs in short messages", () => {
    const long = "x".repeat(60_000);
    const checked = checkDevice({ ...device, user_id: long }, BOB, "PHONE");
    expect("rejected" in checked && checked.rejected.detail.length).toBeLessThan(500);
    const named = checkDevice({ ...device, device_id: long }, BOB, long.slice(1));
    expect("rejected" in named && named.rejected.detail.length).toBeLessThan(500);
  });
});

describe("checkCrossSigningKey", () => {
  const problem = (value: unknown, usage: "master" | "self_signing" | "user_signing" = "master") => {
    const checked = checkCrossSigningKey(value, BOB, usage);
    return "problem" in checked ? checked.problem : undefined;
  };

  it("gives the very object, unknown properties and all", () => {
    const strange = { ...master, "org.example.extra": 1, signatures: { [BOB]: { "ed25519:PHONE": "s" } } };
    expect(checkCrossSigningKey(strange, BOB, "master")).toEqual({ key: strange });
    const checked = checkCrossSigningKey(strange, BOB, "master");
    expect("key" in checked && checked.key).toBe(strange);
  });

  it.each([
    ["another user's", { ...master, user_id: "@mallory:example.org" }],
    ["one for another usage", { ...master, usage: ["self_signing"] }],
    ["one for no usage", { ...master, usage: [] }],
    ["a usage that is no list", { ...master, usage: "master" }],
    ["no keys", { user_id: BOB, usage: ["master"] }],
    ["keys that are no strings", { ...master, keys: { a: 1 } }],
    ["a list", [master]],
    ["signatures that are none", { ...master, signatures: { [BOB]: [] } }],
    ["too large a one", { ...master, extra: "x".repeat(MAX_DEVICE_LENGTH) }],
  ])("refuses %s", (_, value) => {
    expect(problem(value)).toEqual(expect.any(String));
  });

  it("takes a key that serves for more than it is asked for", () => {
    expect(problem({ ...master, usage: ["self_signing", "master"] })).toBeUndefined();
  });
});
