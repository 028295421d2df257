import { describe, expect, it } from "vitest";
import { checkDevice } from "../../src/keys/check-device.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH } from "../../src/keys/limits.js";
import { testDevice } from "../../src/testing/test-device.js";

const BOB = "@bob:example.org";
const device = testDevice(BOB, "PHONE", {
  signatures: { [BOB]: { "ed25519:PHONE": "s" } },
  unsigned: { device_display_name: "Bob's phone" },
});
const parse = (json: string): unknown => JSON.parse(json);
/** An object nested this deep. */
const nested = (depth: number): unknown => (depth <= 1 ? {} : { a: nested(depth - 1) });

function rejection(value: unknown, userId = BOB, deviceId = "PHONE"): string | undefined {
  const checked = checkDevice(value, userId, deviceId);
  return "rejected" in checked ? checked.rejected.code : undefined;
}

describe("checkDevice", () => {
  it("returns the same object, with unknown properties", () => {
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
  ])("accepts a device %s", (_, properties) => {
    const { signatures, unsigned, ...bare } = { ...device, ...properties };
    expect(rejection({ ...bare, ...(signatures && { signatures }), ...(unsigned && { unsigned }) })).toBeUndefined();
  });

  it("refuses a device ID that is too long to pin", () => {
    const deviceId = "x".repeat(256);
    expect(checkDevice(testDevice(BOB, deviceId), BOB, deviceId)).toMatchObject({ rejected: { code: "too-large" } });
  });

  it.each(["__proto__", "constructor", "prototype", "toString", "", "🦊", "a\u0000b", "x".repeat(255)])(
    "accepts %j as a device ID and as a localpart",
    (name) => {
      const userId = `@${name}:example.org`;
      expect(rejection(testDevice(userId, name), userId, name)).toBeUndefined();
    },
  );

  it.each([
    ["null", null],
    ["a string", "x"],
    ["an array", [device]],
    ["a user_id that is not a string", { ...device, user_id: 5 }],
    ["a device_id that is not a string", { ...device, device_id: null }],
    ["algorithms that are not an array", { ...device, algorithms: "m.olm" }],
    ["an algorithm that is not a string", { ...device, algorithms: ["m.olm", 5] }],
    ["no keys", (({ keys: _, ...rest }) => rest)(device)],
    ["keys that are not an object", { ...device, keys: ["a"] }],
    ["a key that is not a string", { ...device, keys: { ...device.keys, "ed25519:X": { key: "a" } } }],
    ["a key called __proto__ that is not a string", { ...device, keys: parse('{"__proto__":5}') }],
    ["signatures that are not an object", { ...device, signatures: [] }],
    ["signatures of a user that are not an object", { ...device, signatures: { [BOB]: "x" } }],
    [
      "signatures of a user called __proto__ that are not an object",
      { ...device, signatures: parse('{"__proto__":"x"}') },
    ],
    ["a signature that is not a string", { ...device, signatures: { [BOB]: { "ed25519:PHONE": 5 } } }],
    ["unsigned that is not an object", { ...device, unsigned: "x" }],
    ["unsigned that is an array", { ...device, unsigned: [] }],
  ])("refuses %s as malformed", (_, value) => {
    expect(rejection(value)).toBe("malformed");
  });

  it("ignores inherited properties", () => {
    expect(rejection(parse(`{"__proto__":${JSON.stringify(device)}}`))).toBe("malformed");
    expect(rejection(Object.create(device))).toBe("too-large"); // not JSON
  });

  it("refuses a device of another user or with another ID, and names both", () => {
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

  it("compares IDs exactly: case, normalisation and white space matter", () => {
    expect(rejection(device, "@Bob:example.org")).toBe("user-id-mismatch");
    expect(rejection(device, BOB, "phone")).toBe("device-id-mismatch");
    expect(rejection(device, BOB, "PHONE ")).toBe("device-id-mismatch");
    expect(rejection(testDevice(BOB, "\u00e9"), BOB, "e\u0301")).toBe("device-id-mismatch");
  });

  it("refuses a device that is too large or nested too deep", () => {
    expect(rejection({ ...device, extra: "x".repeat(MAX_DEVICE_LENGTH) })).toBe("too-large");
    expect(rejection({ ...device, extra: nested(MAX_DEVICE_DEPTH - 1) })).toBeUndefined();
    expect(rejection({ ...device, extra: nested(MAX_DEVICE_DEPTH) })).toBe("too-large");
    expect(rejection(parse(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`))).toBe("too-large");
    expect(rejection({ ...device, extra: () => 1 })).toBe("too-large");
  });

  it("cuts long IDs in its messages", () => {
    const long = "x".repeat(60_000);
    const checked = checkDevice({ ...device, user_id: long }, BOB, "PHONE");
    expect("rejected" in checked && checked.rejected.detail.length).toBeLessThan(500);
    const named = checkDevice({ ...device, device_id: long }, BOB, long.slice(1));
    expect("rejected" in named && named.rejected.detail.length).toBeLessThan(500);
  });
});
