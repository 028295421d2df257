import { describe, expect, it } from "vitest";
import type { DeviceList } from "../../src/trust/device-list.js";
import { MAX_MASTER_KEY_SIGNATURES, MAX_REJECTED_ID_LENGTH, MAX_REJECTED_PER_USER } from "../../src/keys/limits.js";
import { parseResponse } from "../../src/query/parse-response.js";
import { applyPins } from "../../src/trust/apply-pins.js";
import { NO_PINS } from "../../src/trust/pins.js";
import { strictVerifier } from "../../src/trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verified } from "../../src/trust/verify-list.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { nodeVerifier } from "../support/node-verifier.js";
import {
  crossSigningKey,
  keyPair,
  signed,
  signedAccount,
  signedAnswer,
  withSignature,
  type Answered,
} from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const bob = signedAccount(BOB);
const alice = signedAccount(ALICE);
const mallory = keyPair("mallory");
const phone = bob.device("PHONE");
const tablet = bob.device("TABLET");

type Given = Omit<Answered, "account"> & { readonly account?: Answered["account"] };

/** What verification makes of an answer about one user, Bob unless it is said, and how many signatures it took. */
function verify(
  { account = bob, ...given }: Given,
  known?: DeviceList,
  unsignedDevices: UnsignedDevices = "accept",
): Verified & { readonly checked: number } {
  const { userId } = account;
  const fetched = parseResponse(signedAnswer({ account, ...given }), ALICE, 5)(userId);
  const { checks, conclude } = planVerification(fetched.list, userId, known, { ownUserId: ALICE, unsignedDevices });
  let holds: readonly boolean[] = [];
  strictVerifier(nodeVerifier)
    .verify(checks)
    .subscribe((outcome) => (holds = outcome));
  return { ...conclude(holds), checked: checks.length };
}

const devicesOf = ({ list }: Verified) => [...list.deviceKeys.keys()];
const codesOf = ({ list }: Verified) => Array.from(list.rejected, ([deviceId, { code }]) => [deviceId, code]);
const statusOf = ({ list }: Verified, deviceId = "PHONE") => list.deviceStatus.get(deviceId);
/** Devices of Bob's that have these keys, signed by nobody: what they are refused for comes before signatures. */
const withKeys = (keys: Readonly<Record<string, string>>) =>
  bob.device("PHONE", { signedBy: [], properties: { keys } });
const keyOf = (device: DeviceKeys, algorithm: string) => device.keys[`${algorithm}:${device.device_id}`] ?? "";

describe("a device's own signature", () => {
  it("is verified, and the device is given as it came", () => {
    const verified = verify({ devices: [phone] });
    expect(verified.list.deviceKeys).toEqual(new Map([["PHONE", phone]]));
    expect(verified.list.rejected).toEqual(new Map());
    expect(statusOf(verified)).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("does not cover what the homeserver adds", () => {
    expect(codesOf(verify({ devices: [{ ...phone, unsigned: { device_display_name: "Bob's phone" } }] }))).toEqual([]);
  });

  it.each<[string, DeviceKeys]>([
    ["of a device that was altered since", { ...phone, algorithms: [] }],
    [
      "of a device with another curve25519 key",
      { ...phone, keys: { ...phone.keys, "curve25519:PHONE": keyOf(tablet, "curve25519") } },
    ],
    ["by another key", signed(bob.device("PHONE", { signedBy: [] }), BOB, mallory, "PHONE")],
    [
      "by the owner's self-signing key in the place of the device's",
      signed(bob.device("PHONE", { signedBy: [] }), BOB, bob.selfSigning, "PHONE"),
    ],
    ["that is no base64", withSignature(phone, BOB, "PHONE", "?")],
    ["that is empty", withSignature(phone, BOB, "PHONE", "")],
    ["that is padded", withSignature(phone, BOB, "PHONE", `${phone.signatures?.[BOB]?.["ed25519:PHONE"] ?? ""}==`)],
    ["of a device that has no canonical JSON", { ...phone, version: 1.5 }],
  ])("refuses the device where it is one %s, and costs no other device", (_, device) => {
    const verified = verify({ devices: [device, tablet] });
    expect(codesOf(verified)).toEqual([["PHONE", "invalid-signature"]]);
    expect(devicesOf(verified)).toEqual(["TABLET"]);
    expect(statusOf(verified, "TABLET")).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("does not hold where there is nothing that it could be of, whatever the verifier says: what it is asked about then is the empty message", () => {
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

  describe("that is missing", () => {
    const { "ed25519:PHONE": _, ...withoutEd25519 } = phone.keys;
    it.each<[string, DeviceKeys]>([
      ["with no signature at all", bob.device("PHONE", { signedBy: [] })],
      [
        "with one by somebody else",
        signed(bob.device("PHONE", { signedBy: [] }), CAROL, keyPair(`${BOB} PHONE`), "PHONE"),
      ],
      ["with no ed25519 key", withKeys(withoutEd25519)],
      ["with a signature and no ed25519 key", signed(withKeys(withoutEd25519), BOB, keyPair(`${BOB} PHONE`), "PHONE")],
      [
        "with the ed25519 key of another device",
        withKeys({ ...withoutEd25519, "ed25519:TABLET": keyOf(tablet, "ed25519") }),
      ],
    ])("(a device %s) marks the device, and refuses it where that is asked", (__, device) => {
      const accepted = verify({ devices: [device, tablet] });
      expect(devicesOf(accepted)).toEqual(["PHONE", "TABLET"]);
      expect(codesOf(accepted)).toEqual([]);
      expect(statusOf(accepted)).toMatchObject({ signedByItself: false });

      const refused = verify({ devices: [device, tablet] }, undefined, "refuse");
      expect(devicesOf(refused)).toEqual(["TABLET"]);
      expect(codesOf(refused)).toEqual([["PHONE", "unsigned"]]);
    });

    it("is not made up for by the owner's", () => {
      const device = bob.device("PHONE", { signedBy: ["owner"] });
      expect(statusOf(verify({ devices: [device] }))).toEqual({
        signedByItself: false,
        crossSigned: true,
        dehydrated: false,
      });
      expect(codesOf(verify({ devices: [device] }, undefined, "refuse"))).toEqual([["PHONE", "unsigned"]]);
    });
  });
});

describe("a device's keys", () => {
  const zero = "A".repeat(43);
  const key = keyOf(phone, "ed25519");
  it.each([
    ["an ed25519 key", "ed25519", "of too few bytes", key.slice(0, 42)],
    ["an ed25519 key", "ed25519", "of too many", `${key}AA`],
    ["an ed25519 key", "ed25519", "of very many", "A".repeat(60_000)],
    ["an ed25519 key", "ed25519", "that is empty", ""],
    ["an ed25519 key", "ed25519", "that is padded", `${key}=`],
    ["an ed25519 key", "ed25519", "in the alphabet for URLs", `-${key.slice(1)}`],
    ["an ed25519 key", "ed25519", "with bits that stand for nothing", `${zero.slice(1)}B`],
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
    ["a curve25519 key", "curve25519", "of too many", `${key}AA`],
    ["a curve25519 key", "curve25519", "that is padded", `${key}=`],
    ["a curve25519 key", "curve25519", "that is no base64", "?"],
  ])("refuse it with %s (%s) %s, and no other device", (_, algorithm, __, text) => {
    const verified = verify({ devices: [withKeys({ ...phone.keys, [`${algorithm}:PHONE`]: text }), tablet] });
    expect(codesOf(verified)).toEqual([["PHONE", "malformed"]]);
    expect(verified.list.rejected.get("PHONE")?.detail).toBe(
      `keys.${algorithm}:PHONE: expected a public key, 32 bytes in unpadded base64`,
    );
    expect(devicesOf(verified)).toEqual(["TABLET"]);
  });

  it("may be of algorithms that are not ours to judge, and of other devices", () => {
    const keys = { ...phone.keys, "org.example.kem:PHONE": "?", "ed25519:OTHER": "?" };
    expect(codesOf(verify({ devices: [bob.device("PHONE", { properties: { keys } })] }))).toEqual([]);
  });

  it("may be missing", () => {
    expect(devicesOf(verify({ devices: [withKeys({})] }))).toEqual(["PHONE"]);
  });
});

describe("a device's ID", () => {
  it.each(["master", "selfSigning", "userSigning"] as const)(
    "may not be the public key of the user's %s key",
    (name) => {
      const { publicKey } = alice[name];
      const verified = verify({ account: alice, devices: [alice.device(publicKey), alice.device("PHONE")] });
      expect(codesOf(verified)).toEqual([[publicKey, "cross-signing-id"]]);
      expect(devicesOf(verified)).toEqual(["PHONE"]);
    },
  );

  it("may not be that of a self-signing key which the master key has not signed: signatures name it all the same", () => {
    const { publicKey } = bob.selfSigning;
    const verified = verify({
      devices: [bob.device(publicKey)],
      selfSigningKey: crossSigningKey(BOB, "self_signing", bob.selfSigning),
    });
    expect(codesOf(verified)).toEqual([[publicKey, "cross-signing-id"]]);
  });

  it("may be the public key of somebody else's", () => {
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
  it("of every kind in one list leave the good devices, and those of the answer's shape stay", () => {
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

  it("are no more than may be named, whether a signature decides or not", () => {
    const many = Array.from({ length: MAX_REJECTED_PER_USER + 5 }, (_, i) =>
      withSignature(bob.device(`D${i}`, { signedBy: [] }), BOB, `D${i}`, "?"),
    );
    expect(verify({ devices: many }).list.rejected.size).toBe(MAX_REJECTED_PER_USER);
    expect(
      verify({ devices: many.map(({ signatures: _, ...device }) => device) }, undefined, "refuse").list.rejected.size,
    ).toBe(MAX_REJECTED_PER_USER);
  });

  it("name a device by an ID that is not too long", () => {
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

describe("the master key", () => {
  it("is the identity, by its public key", () => {
    const { list, refusals } = verify({ devices: [phone] });
    expect(list).toMatchObject({
      masterKey: bob.masterKey,
      selfSigningKey: bob.selfSigningKey,
      identity: { masterKey: bob.master.publicKey, signedBy: [] },
    });
    expect(refusals).toEqual([]);
  });

  it("that is missing leaves no identity, and no key that it would have to sign", () => {
    const { list, refusals } = verify({ devices: [phone], masterKey: undefined });
    expect(list).not.toHaveProperty("masterKey");
    expect(list).not.toHaveProperty("selfSigningKey");
    expect(list.identity).toEqual({ signedBy: [] });
    expect(list.deviceStatus.get("PHONE")).toMatchObject({ signedByItself: true, crossSigned: false });
    expect(refusals.map(({ path }) => path)).toEqual(["self_signing_keys"]);
  });

  it("that is none likewise, and is told", () => {
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

  it("is kept where the master key has signed it", () => {
    expect(verify({ account: alice }).list[name]).toEqual(key);
  });

  it.each([
    ["that nobody has signed", unsigned],
    ["that another key has signed, in the master key's name", signed(unsigned, ALICE, mallory, alice.master.publicKey)],
    ["that another key has signed, in its own name", signed(unsigned, ALICE, mallory)],
    ["that it has signed itself", signed(unsigned, ALICE, alice[pair])],
    ["that somebody's former master key has signed", signedAccount(ALICE, "former")[name]],
    ["whose signature is in somebody else's name", signed(unsigned, BOB, alice.master)],
    ["that was altered since", { ...key, usage: [...key.usage, "more"] }],
    ["whose signature names the key by a name of its own", signed(unsigned, ALICE, alice.master, "MASTER")],
    ["with two keys", signed({ ...unsigned, keys: { ...unsigned.keys, "ed25519:x": "x" } }, ALICE, alice.master)],
    ["for another usage", signed({ ...unsigned, usage: ["master"] }, ALICE, alice.master)],
    ["of another user", signed({ ...unsigned, user_id: BOB }, ALICE, alice.master)],
  ])("is left out where it is one %s, and nothing else is", (_, given) => {
    const other = name === "selfSigningKey" ? "userSigningKey" : "selfSigningKey";
    const { list } = verify({ account: alice, [name]: given, devices: [alice.device("PHONE")] });
    expect(list).not.toHaveProperty(name);
    expect(list[other]).toEqual(alice[other]);
    expect(list.masterKey).toEqual(alice.masterKey);
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE"]);
  });

  it("is told of where its signature does not hold", () => {
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

describe("a device is cross-signed", () => {
  const crossSigned = (given: Given) => verify(given).list.deviceStatus.get("PHONE")?.crossSigned;
  const bare = bob.device("PHONE", { signedBy: ["itself"] });
  const former = signedAccount(BOB, "former");

  it("where the owner's self-signing key has signed it", () => {
    expect(crossSigned({ devices: [phone] })).toBe(true);
  });

  it.each<[string, DeviceKeys]>([
    ["where nobody else has signed it", bare],
    ["where another key has, in the self-signing key's name", signed(bare, BOB, mallory, bob.selfSigning.publicKey)],
    ["where another key has, in its own name", signed(bare, BOB, mallory)],
    ["where a former self-signing key has", signed(bare, BOB, former.selfSigning)],
    ["where the signature is in somebody else's name", signed(bare, CAROL, bob.selfSigning)],
    ["where the self-signing key signed it by a name of its own", signed(bare, BOB, bob.selfSigning, "SSK")],
    ["where the master key has signed it", signed(bare, BOB, bob.master)],
    ["where the user-signing key has signed it", signed(bare, BOB, bob.userSigning)],
    ["where the signature is no base64", withSignature(bare, BOB, bob.selfSigning.publicKey, "?")],
  ])("not %s, and stays all the same", (_, device) => {
    const verified = verify({ devices: [device] });
    expect(statusOf(verified)).toEqual({ signedByItself: true, crossSigned: false, dehydrated: false });
    expect(codesOf(verified)).toEqual([]);
  });

  it("by a valid key only: not where the master key has not signed that one", () => {
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

it("a dehydrated device is marked", () => {
  const dehydrated = (value: unknown) =>
    statusOf(verify({ devices: [bob.device("PHONE", { properties: { dehydrated: value } })] }))?.dehydrated;
  expect([true, false, "true", null].map(dehydrated)).toEqual([true, false, false, false]);
});

describe("signatures of another user's master key in our name", () => {
  const signedBy = (masterKey: Answered["masterKey"]) => verify({ masterKey }).list.identity.signedBy;

  it("are those that hold, by their public keys", () => {
    expect(signedBy(signed(bob.masterKey, ALICE, alice.userSigning))).toEqual([alice.userSigning.publicKey]);
    const former = signedAccount(ALICE, "former").userSigning;
    expect(signedBy(signed(signed(bob.masterKey, ALICE, former), ALICE, alice.userSigning))).toEqual([
      former.publicKey,
      alice.userSigning.publicKey,
    ]);
  });

  it.each([
    ["that another key has made", signed(bob.masterKey, ALICE, mallory, alice.userSigning.publicKey)],
    ["in somebody else's name", signed(bob.masterKey, CAROL, alice.userSigning)],
    ["that are no base64", withSignature(bob.masterKey, ALICE, alice.userSigning.publicKey, "?")],
    [
      "by one of our devices, which has no public key for an ID",
      signed(bob.masterKey, ALICE, keyPair(`${ALICE} PHONE`), "PHONE"),
    ],
    [
      "of another master key",
      {
        ...bob.masterKey,
        signatures: signed(signedAccount(BOB, "former").masterKey, ALICE, alice.userSigning).signatures ?? {},
      },
    ],
    [
      "by a key of small order, with which anything holds",
      withSignature(bob.masterKey, ALICE, "A".repeat(43), "A".repeat(86)),
    ],
  ])("are not those %s", (_, masterKey) => {
    expect(signedBy(masterKey)).toEqual([]);
  });

  it("are not looked for on our own", () => {
    const { list, checked } = verify({ account: alice, masterKey: signed(alice.masterKey, ALICE, alice.userSigning) });
    expect(list.identity.signedBy).toEqual([]);
    expect(checked).toBe(2);
  });

  it("are looked at up to a number: a server may name many", () => {
    let masterKey = bob.masterKey;
    for (let i = 0; i < MAX_MASTER_KEY_SIGNATURES + 3; i++)
      masterKey = withSignature(masterKey, ALICE, keyPair(`key ${i}`).publicKey, "A".repeat(86));
    expect(verify({ masterKey, selfSigningKey: undefined }).checked).toBe(MAX_MASTER_KEY_SIGNATURES);
  });
});

describe("what is the same as in the list that is known", () => {
  const given: Given = { devices: [phone, tablet], masterKey: signed(bob.masterKey, ALICE, alice.userSigning) };
  const first = verify(given);
  const known = first.list;

  it("took a signature of each device's own, of each by its owner, of the self-signing key and of the master key, the first time", () => {
    expect(first.checked).toBe(6);
  });

  it("is not verified again, and comes out the same", () => {
    const again = verify(structuredClone(given), known);
    expect(again.checked).toBe(0);
    expect(again.list).toEqual(known);
    expect(again.refusals).toEqual([]);
  });

  it("is so whatever the homeserver calls a device", () => {
    const renamed = { ...phone, unsigned: { device_display_name: "new name" } };
    const again = verify({ ...given, devices: [renamed, tablet] }, known);
    expect(again.checked).toBe(0);
    expect(again.list.deviceKeys.get("PHONE")).toEqual(renamed);
    expect(statusOf(again)).toEqual(statusOf(first));
  });

  it("keeps a refusal of the owner's signature without asking again", () => {
    const forged = { ...given, devices: [withSignature(phone, BOB, bob.selfSigning.publicKey, "A".repeat(86))] };
    const before = verify(forged);
    const again = verify(forged, before.list);
    expect([before, again].map((verified) => statusOf(verified)?.crossSigned)).toEqual([false, false]);
    expect(again.checked).toBe(0);
  });

  it("costs a device more no other signature", () => {
    const again = verify({ ...given, devices: [phone, tablet, bob.device("NEW")] }, known);
    expect(again.checked).toBe(2);
    expect(statusOf(again, "NEW")).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("is not a device with another signature: it is verified, and no other one", () => {
    const before = verify({ ...given, devices: [bob.device("PHONE", { signedBy: ["itself"] }), tablet] });
    const again = verify(given, before.list);
    expect(again.checked).toBe(2);
    expect([before, again].map((verified) => statusOf(verified)?.crossSigned)).toEqual([false, true]);
  });

  it("is not a device that was altered under its old signatures", () => {
    const again = verify({ ...given, devices: [{ ...phone, algorithms: [] }, tablet] }, known);
    expect(again.checked).toBe(2);
    expect(codesOf(again)).toEqual([["PHONE", "invalid-signature"]]);
  });

  it("is not a device whose own signature was taken away", () => {
    const { "ed25519:PHONE": _, ...rest } = phone.signatures?.[BOB] ?? {};
    const again = verify({ ...given, devices: [{ ...phone, signatures: { [BOB]: rest } }, tablet] }, known);
    expect(statusOf(again)).toEqual({ signedByItself: false, crossSigned: true, dehydrated: false });
  });

  it("does not hold for the owner's signatures once the self-signing key is another", () => {
    const selfSigning = keyPair("new self-signing");
    const selfSigningKey = signed(crossSigningKey(BOB, "self_signing", selfSigning), BOB, bob.master);
    const again = verify({ ...given, selfSigningKey }, known);
    expect(again.checked).toBe(1); // none of the devices has a signature by it
    expect([statusOf(again), statusOf(again, "TABLET")].map((status) => status?.crossSigned)).toEqual([false, false]);

    const both = signed(phone, BOB, selfSigning);
    const before = verify({ ...given, devices: [both, tablet] });
    const after = verify({ ...given, devices: [both, tablet], selfSigningKey }, before.list);
    expect(after.checked).toBe(2);
    expect([statusOf(after), statusOf(after, "TABLET")].map((status) => status?.crossSigned)).toEqual([true, false]);
  });

  it("is not a device that was kept in the place of a refused one: its verdict is of another list", () => {
    const selfSigning = keyPair("new self-signing");
    const selfSigningKey = signed(crossSigningKey(BOB, "self_signing", selfSigning), BOB, bob.master);
    const both: Given = { devices: [signed(phone, BOB, selfSigning)] };
    const { list: before, pins } = applyPins(verify(both).list, NO_PINS, undefined);
    const kept = applyPins(
      verify({ devices: [bob.device("PHONE", { key: mallory })], selfSigningKey }, before).list,
      pins,
      before,
    ).list;
    expect(kept.deviceStatus.get("PHONE")?.crossSigned).toBe(false);
    expect(statusOf(verify({ ...both, selfSigningKey }, kept))?.crossSigned).toBe(true);
  });

  it("does not hold for the self-signing key once the master key is another", () => {
    const again = verify({ ...given, masterKey: signedAccount(BOB, "new").masterKey }, known);
    expect(again.list).not.toHaveProperty("selfSigningKey");
    expect(statusOf(again)?.crossSigned).toBe(false);
  });

  it("does not hold for a self-signing key that was altered under its old signature", () => {
    const again = verify(
      { ...given, selfSigningKey: { ...bob.selfSigningKey, usage: ["self_signing", "more"] } },
      known,
    );
    expect(again.list).not.toHaveProperty("selfSigningKey");
    expect(statusOf(again)?.crossSigned).toBe(false);
  });

  it("does not hold for signatures in our name once there is another one", () => {
    const before = verify({ ...given, masterKey: bob.masterKey });
    const again = verify(given, before.list);
    expect([before, again].map(({ list }) => list.identity.signedBy)).toEqual([[], [alice.userSigning.publicKey]]);
  });

  it("does not make up for an unsigned device where those are refused", () => {
    const unsigned: Given = { devices: [bob.device("PHONE", { signedBy: [] })] };
    expect(codesOf(verify(unsigned, verify(unsigned).list, "refuse"))).toEqual([["PHONE", "unsigned"]]);
  });

  it("holds for our own user-signing key", () => {
    const ours: Given = { account: alice, devices: [alice.device("PHONE")] };
    const before = verify(ours);
    const again = verify(ours, before.list);
    expect([before.checked, again.checked]).toEqual([4, 0]);
    expect(again.list).toEqual(before.list);
  });
});
