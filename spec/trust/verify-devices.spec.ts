import { describe, expect, it } from "vitest";
import { MAX_REJECTED_ID_LENGTH, MAX_REJECTED_PER_USER } from "../../src/keys/limits.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { planVerification } from "../../src/trust/verify-list.js";
import { crossSigningKey, keyPair, signed, signedAccount, withSignature } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { alice, bob, codesOf, devicesOf, mallory, phone, statusOf, tablet, verify, type Given } from "./verify.js";

const keyOf = (device: DeviceKeys, algorithm: string) => device.keys[`${algorithm}:${device.device_id}`] ?? "";
/** An unsigned device of Bob's with these keys. */
const withKeys = (keys: Readonly<Record<string, string>>) =>
  bob.device("PHONE", { signedBy: [], properties: { keys } });

describe("a device's own signature", () => {
  it("is verified, and the device is returned as it was received", () => {
    const verified = verify({ devices: [phone] });
    expect(verified.list.deviceKeys).toEqual(new Map([["PHONE", phone]]));
    expect(verified.list.rejected).toEqual(new Map());
    expect(statusOf(verified)).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("leaves devices that share what is the same in all of them, each as it was received", () => {
    const others = bob.device("LAPTOP", { properties: { algorithms: ["m.other"] } });
    const { list } = verify({ devices: [phone, tablet, others] });
    expect([...list.deviceKeys.values()]).toEqual([phone, tablet, others]);
    expect(phone.algorithms).not.toBe(tablet.algorithms);
    expect(list.deviceKeys.get("TABLET")?.algorithms).toBe(list.deviceKeys.get("PHONE")?.algorithms);
  });

  it("does not cover what the homeserver adds in unsigned", () => {
    expect(codesOf(verify({ devices: [{ ...phone, unsigned: { device_display_name: "Bob's phone" } }] }))).toEqual([]);
  });

  it.each<[string, DeviceKeys]>([
    ["of a device that was altered", { ...phone, algorithms: [] }],
    [
      "of a device with another curve25519 key",
      { ...phone, keys: { ...phone.keys, "curve25519:PHONE": keyOf(tablet, "curve25519") } },
    ],
    ["by another key", signed(bob.device("PHONE", { signedBy: [] }), BOB, mallory, "PHONE")],
    [
      "by the owner's self-signing key in the device's name",
      signed(bob.device("PHONE", { signedBy: [] }), BOB, bob.selfSigning, "PHONE"),
    ],
    ["that is not base64", withSignature(phone, BOB, "PHONE", "?")],
    ["that is empty", withSignature(phone, BOB, "PHONE", "")],
    ["that is padded", withSignature(phone, BOB, "PHONE", `${phone.signatures?.[BOB]?.["ed25519:PHONE"] ?? ""}==`)],
    ["of a device without canonical JSON", { ...phone, version: 1.5 }],
  ])("refuses only this device if it is one %s", (_, device) => {
    const verified = verify({ devices: [device, tablet] });
    expect(codesOf(verified)).toEqual([["PHONE", "invalid-signature"]]);
    expect(devicesOf(verified)).toEqual(["TABLET"]);
    expect(statusOf(verified, "TABLET")).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("is invalid without canonical JSON, even if the verifier accepts the empty message", () => {
    const answered = {
      deviceKeys: new Map([["PHONE", { ...phone, version: 1.5 }]]),
      rejected: new Map(),
      fetchedAt: 5,
    };
    const { checks, conclude } = planVerification(answered, BOB, undefined, {
      ownUserId: ALICE,
      unsignedDevices: "accept",
    });
    expect(codesOf(conclude(checks.map(() => true)))).toEqual([["PHONE", "invalid-signature"]]);
  });

  describe("if it is missing", () => {
    const { "ed25519:PHONE": _, ...withoutEd25519 } = phone.keys;
    it.each<[string, DeviceKeys]>([
      ["with no signature at all", bob.device("PHONE", { signedBy: [] })],
      [
        "with one by another user",
        signed(bob.device("PHONE", { signedBy: [] }), CAROL, keyPair(`${BOB} PHONE`), "PHONE"),
      ],
      ["with no ed25519 key", withKeys(withoutEd25519)],
      ["with a signature and no ed25519 key", signed(withKeys(withoutEd25519), BOB, keyPair(`${BOB} PHONE`), "PHONE")],
      [
        "with the ed25519 key of another device",
        withKeys({ ...withoutEd25519, "ed25519:TABLET": keyOf(tablet, "ed25519") }),
      ],
    ])("marks a device %s, or refuses it on request", (__, device) => {
      const accepted = verify({ devices: [device, tablet] });
      expect(devicesOf(accepted)).toEqual(["PHONE", "TABLET"]);
      expect(codesOf(accepted)).toEqual([]);
      expect(statusOf(accepted)).toMatchObject({ signedByItself: false });

      const refused = verify({ devices: [device, tablet] }, undefined, "refuse");
      expect(devicesOf(refused)).toEqual(["TABLET"]);
      expect(codesOf(refused)).toEqual([["PHONE", "unsigned"]]);
    });

    it("is replaced by the owner's signature, unless that is not valid", () => {
      const device = bob.device("PHONE", { signedBy: ["owner"] });
      expect(statusOf(verify({ devices: [device] }))).toEqual({
        signedByItself: false,
        crossSigned: true,
        dehydrated: false,
      });
      expect(codesOf(verify({ devices: [device] }, undefined, "refuse"))).toEqual([]);
      const forged = withSignature(device, BOB, bob.selfSigning.publicKey, "A".repeat(86));
      expect(codesOf(verify({ devices: [forged] }, undefined, "refuse"))).toEqual([["PHONE", "unsigned"]]);
      expect(codesOf(verify({ devices: [device], selfSigningKey: undefined }, undefined, "refuse"))).toEqual([
        ["PHONE", "unsigned"],
      ]);
    });
  });
});

describe("a device's keys", () => {
  const zero = "A".repeat(43);
  const key = keyOf(phone, "ed25519");
  it.each([
    ["an ed25519 key", "ed25519", "of too few bytes", key.slice(0, 42)],
    ["an ed25519 key", "ed25519", "of too many bytes", `${key}AA`],
    ["an ed25519 key", "ed25519", "of far too many bytes", "A".repeat(60_000)],
    ["an ed25519 key", "ed25519", "that is empty", ""],
    ["an ed25519 key", "ed25519", "that is padded", `${key}=`],
    ["an ed25519 key", "ed25519", "in the alphabet for URLs", `-${key.slice(1)}`],
    ["an ed25519 key", "ed25519", "with bits beyond the last byte", `${zero.slice(1)}B`],
    ["an ed25519 key", "ed25519", "of small order", zero],
    [
      "an ed25519 key",
      "ed25519",
      "that is not canonical",
      Buffer.from(`f0${"ff".repeat(30)}7f`, "hex")
        .toString("base64")
        .slice(0, 43),
    ],
    ["a curve25519 key", "curve25519", "of too few bytes", key.slice(0, 42)],
    ["a curve25519 key", "curve25519", "of too many bytes", `${key}AA`],
    ["a curve25519 key", "curve25519", "that is padded", `${key}=`],
    ["a curve25519 key", "curve25519", "that is not base64", "?"],
  ])("refuse only this device for %s (%s) %s", (_, algorithm, __, text) => {
    const verified = verify({ devices: [withKeys({ ...phone.keys, [`${algorithm}:PHONE`]: text }), tablet] });
    expect(codesOf(verified)).toEqual([["PHONE", "malformed"]]);
    expect(verified.list.rejected.get("PHONE")?.detail).toBe(
      `keys.${algorithm}:PHONE: expected a public key, 32 bytes in unpadded base64`,
    );
    expect(devicesOf(verified)).toEqual(["TABLET"]);
  });

  it("may be of unknown algorithms and of other devices", () => {
    const keys = { ...phone.keys, "org.example.kem:PHONE": "?", "ed25519:OTHER": "?" };
    expect(codesOf(verify({ devices: [bob.device("PHONE", { properties: { keys } })] }))).toEqual([]);
  });

  it("may be missing", () => {
    expect(devicesOf(verify({ devices: [withKeys({})] }))).toEqual(["PHONE"]);
  });
});

describe("a device's ID", () => {
  it.each(["master", "selfSigning", "userSigning"] as const)(
    "must not be the public key of the user's %s key",
    (name) => {
      const { publicKey } = alice[name];
      const verified = verify({ account: alice, devices: [alice.device(publicKey), alice.device("PHONE")] });
      expect(codesOf(verified)).toEqual([[publicKey, "cross-signing-id"]]);
      expect(devicesOf(verified)).toEqual(["PHONE"]);
    },
  );

  it("must not be the public key of an invalid self-signing key", () => {
    const { publicKey } = bob.selfSigning;
    const verified = verify({
      devices: [bob.device(publicKey)],
      selfSigningKey: crossSigningKey(BOB, "self_signing", bob.selfSigning),
    });
    expect(codesOf(verified)).toEqual([[publicKey, "cross-signing-id"]]);
  });

  it("may be the public key of another user's key", () => {
    expect(devicesOf(verify({ devices: [bob.device(alice.master.publicKey)] }))).toEqual([alice.master.publicKey]);
  });

  it.each(["__proto__", "constructor", "prototype", "hasOwnProperty"])("may be %s", (deviceId) => {
    const verified = verify({ devices: [bob.device(deviceId), phone] });
    expect(devicesOf(verified)).toEqual([deviceId, "PHONE"]);
    expect(statusOf(verified, deviceId)).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
    expect(codesOf(verify({ devices: [{ ...bob.device(deviceId), algorithms: [] }, phone] }))).toEqual([
      [deviceId, "invalid-signature"],
    ]);
    expect(statusOf(verify({ devices: [bob.device(deviceId, { signedBy: [] })] }), deviceId)).toMatchObject({
      signedByItself: false,
      crossSigned: false,
    });
  });
});

describe("refusals", () => {
  it("of every kind leave the good devices", () => {
    const bad = [
      { ...bob.device("ALTERED"), algorithms: [] },
      bob.device("MALFORMED", { properties: { keys: { "ed25519:MALFORMED": "?" } } }),
      bob.device(bob.master.publicKey),
      bob.device("UNSIGNED", { signedBy: [] }),
      { ...bob.device("MOVED"), user_id: CAROL },
    ];
    const verified = verify({ devices: [phone, ...bad, tablet] }, undefined, "refuse");
    expect(devicesOf(verified)).toEqual(["PHONE", "TABLET"]);
    expect(Object.fromEntries(codesOf(verified))).toEqual({
      ALTERED: "invalid-signature",
      MALFORMED: "malformed",
      [bob.master.publicKey]: "cross-signing-id",
      UNSIGNED: "unsigned",
      MOVED: "user-id-mismatch",
    });
  });

  it("are limited, with and without checked signatures", () => {
    const many = Array.from({ length: MAX_REJECTED_PER_USER + 5 }, (_, i) =>
      withSignature(bob.device(`D${i}`, { signedBy: [] }), BOB, `D${i}`, "?"),
    );
    expect(verify({ devices: many }).list.rejected.size).toBe(MAX_REJECTED_PER_USER);
    expect(
      verify({ devices: many.map(({ signatures: _, ...device }) => device) }, undefined, "refuse").list.rejected.size,
    ).toBe(MAX_REJECTED_PER_USER);
  });

  it("cut long device IDs", () => {
    const deviceId = "D".repeat(5_000);
    for (const device of [
      { ...bob.device(deviceId), algorithms: [] },
      bob.device(deviceId, { signedBy: [] }),
      bob.device(deviceId, { properties: { keys: { [`ed25519:${deviceId}`]: "?" } } }),
    ]) {
      const [[name, { detail } = { detail: "" }] = [""]] = verify({ devices: [device] }, undefined, "refuse").list
        .rejected;
      expect(name).toBe(deviceId.slice(0, MAX_REJECTED_ID_LENGTH));
      expect(detail.length).toBeLessThan(400);
    }
  });
});

describe("a device is cross-signed", () => {
  const crossSigned = (given: Given) => verify(given).list.deviceStatus.get("PHONE")?.crossSigned;
  const bare = bob.device("PHONE", { signedBy: ["itself"] });
  const former = signedAccount(BOB, "former");

  it("if the owner's self-signing key has signed it", () => {
    expect(crossSigned({ devices: [phone] })).toBe(true);
  });

  it.each<[string, DeviceKeys]>([
    ["if no other key has signed it", bare],
    [
      "if another key has signed it in the self-signing key's name",
      signed(bare, BOB, mallory, bob.selfSigning.publicKey),
    ],
    ["if another key has signed it in its own name", signed(bare, BOB, mallory)],
    ["if a former self-signing key has signed it", signed(bare, BOB, former.selfSigning)],
    ["if the signature is in another user's name", signed(bare, CAROL, bob.selfSigning)],
    ["if the self-signing key signed it under another key ID", signed(bare, BOB, bob.selfSigning, "SSK")],
    ["if the master key has signed it", signed(bare, BOB, bob.master)],
    ["if the user-signing key has signed it", signed(bare, BOB, bob.userSigning)],
    ["if the signature is not base64", withSignature(bare, BOB, bob.selfSigning.publicKey, "?")],
  ])("not %s, but is accepted", (_, device) => {
    const verified = verify({ devices: [device] });
    expect(statusOf(verified)).toEqual({ signedByItself: true, crossSigned: false, dehydrated: false });
    expect(codesOf(verified)).toEqual([]);
  });

  it("only by a self-signing key that the master key has signed", () => {
    expect(
      crossSigned({ devices: [phone], selfSigningKey: crossSigningKey(BOB, "self_signing", bob.selfSigning) }),
    ).toBe(false);
    expect(
      crossSigned({
        devices: [phone],
        selfSigningKey: signed(
          crossSigningKey(BOB, "self_signing", bob.selfSigning),
          BOB,
          mallory,
          bob.master.publicKey,
        ),
      }),
    ).toBe(false);
    expect(crossSigned({ devices: [phone], masterKey: signedAccount(BOB, "new").masterKey })).toBe(false);
    expect(crossSigned({ devices: [phone], selfSigningKey: undefined })).toBe(false);
  });
});

it("marks a dehydrated device", () => {
  const dehydrated = (value: unknown) =>
    statusOf(verify({ devices: [bob.device("PHONE", { properties: { dehydrated: value } })] }))?.dehydrated;
  expect([true, false, "true", null].map(dehydrated)).toEqual([true, false, false, false]);
});
