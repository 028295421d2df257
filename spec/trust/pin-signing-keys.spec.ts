import { describe, expect, it } from "vitest";
import { MAX_CROSS_SIGNING_KEYS } from "../../src/keys/limits.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { mergePins } from "../../src/trust/merge-pins.js";
import { pinSigningKeys, type PinnedSigningKeys } from "../../src/trust/pin-signing-keys.js";
import { LOST_PINS, NO_PINS, repinMasterKey, replaceMasterKey, type Pins } from "../../src/trust/pins.js";
import { signedAccount, type SignedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";
import { bob, historyOf, keyEvent, phone, SELF_SIGNED, status, tablet, verified } from "./pinned-lists.js";

const [second, third] = ["second", "third"].map((name) => signedAccount(BOB, name)) as [SignedAccount, SignedAccount];
const MASTER = bob.master.publicKey;
const known: Pins = { devices: new Map(), masterKey: MASTER };
const devices = [phone, tablet];

/** Bob's list with the self-signing key of another account, as if Bob had made it. */
const rotatedTo = ({ selfSigningKey }: SignedAccount, changes: Partial<DeviceList> = {}) =>
  verified(devices, { selfSigningKey, ...changes });
const ofAnother = (account: SignedAccount) =>
  rotatedTo(account, { masterKey: account.masterKey, identity: { masterKey: account.master.publicKey, signedBy: [] } });

/** What follows from these lists, one after the other. */
function after(lists: readonly DeviceList[], pins: Pins = known, refusesUnsigned = false): PinnedSigningKeys {
  let result: PinnedSigningKeys = { list: verified([]), pins };
  for (const list of lists) result = pinSigningKeys(list, result.pins, refusesUnsigned);
  return result;
}
const crossSigned = ({ list }: PinnedSigningKeys) =>
  Array.from(list.deviceStatus).flatMap(([id, one]) => (one.crossSigned ? [id] : []));

describe("the public keys of cross-signing keys", () => {
  it("of the pinned identity are remembered, each once; others anyone could make", () => {
    const { pins } = after([verified([], { userSigningKey: bob.userSigningKey }), ofAnother(second), verified([])]);
    expect(pins.crossSigningKeys).toEqual(
      [bob.master, bob.selfSigning, bob.userSigning].map(({ publicKey }) => publicKey),
    );
  });

  it("are limited in number, the latest stay", () => {
    const accounts = Array.from({ length: MAX_CROSS_SIGNING_KEYS }, (_, i) => signedAccount(BOB, `number ${i}`));
    const { pins } = after(accounts.map((account) => rotatedTo(account)));
    expect(pins.crossSigningKeys?.length).toBe(MAX_CROSS_SIGNING_KEYS);
    expect(pins.crossSigningKeys?.at(-1)).toBe(accounts.at(-1)?.selfSigning.publicKey);
  });

  it("leave the same pins and the same list if they are known", () => {
    const { pins } = after([verified(devices)]);
    const list = verified(devices);
    const again = pinSigningKeys(list, pins, false);
    expect(again.pins).toBe(pins);
    expect(again.list).toBe(list);
  });
});

describe("a self-signing key", () => {
  it("has each change noted, and nothing else", () => {
    const rotated = rotatedTo(second);
    expect(historyOf(after([verified([]), verified([]), rotated, rotated]).pins)).toEqual([
      "first-seen self-signing",
      "accepted self-signing",
    ]);
  });

  it("counts instead of the one before it", () => {
    const rotated = after([verified(devices), rotatedTo(second)]);
    expect(rotated.pins.selfSigningKey).toBe(second.selfSigning.publicKey);
    expect(crossSigned(rotated)).toEqual(["PHONE", "TABLET"]);
  });

  it("signs nothing if it comes back after it was replaced, as long as it is given", () => {
    const replayed = after([verified(devices), rotatedTo(second), verified(devices), verified(devices)]);
    expect(replayed.list).not.toHaveProperty("selfSigningKey");
    expect(crossSigned(replayed)).toEqual([]);
    expect(replayed.list.deviceStatus.get("PHONE")).toEqual(SELF_SIGNED);
    expect(replayed.pins).toMatchObject({ selfSigningKey: second.selfSigning.publicKey, hasReturned: true });
    expect(historyOf(replayed.pins).slice(2)).toEqual(["returned self-signing"]);
    const mended = after([rotatedTo(second)], replayed.pins);
    expect(crossSigned(mended)).toEqual(["PHONE", "TABLET"]);
    expect(mended.pins).not.toHaveProperty("hasReturned");
  });

  it("leaves devices unsigned that only it has signed: they are refused on request", () => {
    const byOwner = (account: SignedAccount) =>
      rotatedTo(account, {
        deviceStatus: new Map([
          ["PHONE", status({ signedByItself: false })],
          ["TABLET", status()],
        ]),
      });
    const lists = [byOwner(bob), byOwner(second), byOwner(bob)];
    expect([...after(lists).list.deviceKeys.keys()]).toEqual(["PHONE", "TABLET"]);
    const { list } = after(lists, known, true);
    expect([...list.deviceKeys.keys()]).toEqual(["TABLET"]);
    expect([...list.deviceStatus.keys()]).toEqual(["TABLET"]);
    expect(list.rejected.get("PHONE")).toMatchObject({ code: "unsigned" });
  });

  it("counts again by a person's word, whichever is given next", () => {
    const { pins } = after([verified(devices), rotatedTo(second), verified(devices)]);
    const acknowledged = repinMasterKey(pins, MASTER, "acknowledged", 9);
    expect(acknowledged).not.toHaveProperty("selfSigningKey");
    expect(acknowledged).not.toHaveProperty("hasReturned");
    expect(crossSigned(after([verified(devices)], acknowledged))).toEqual(["PHONE", "TABLET"]);
  });

  it("does not count again because our own identity is confirmed, as it is at each start", () => {
    const { pins } = after([verified(devices), rotatedTo(second), verified(devices)]);
    expect(repinMasterKey({ ...pins, masterEvidence: "verified" }, MASTER, "verified", 9).selfSigningKey).toBe(
      second.selfSigning.publicKey,
    );
  });

  it("belongs to its master key: with another one, any counts", () => {
    const { pins } = after([verified(devices), rotatedTo(second)]);
    const event = keyEvent({ kind: "master" });
    const renewed = replaceMasterKey(pins, third.master.publicKey, "acknowledged", event);
    expect(renewed).not.toHaveProperty("selfSigningKey");
    const back = replaceMasterKey(renewed, MASTER, "acknowledged", event);
    expect(crossSigned(after([verified(devices)], back))).toEqual(["PHONE", "TABLET"]);
  });

  it("of another identity changes nothing", () => {
    const list = ofAnother(second);
    expect(after([list])).toEqual({ list, pins: known });
    expect(after([list], NO_PINS)).toEqual({ list, pins: NO_PINS });
    expect(after([verified(devices)], LOST_PINS)).toEqual({ list: verified(devices), pins: LOST_PINS });
  });
});

describe("our own user-signing key", () => {
  const mine = ({ userSigningKey }: SignedAccount) => verified([], { userSigningKey });

  it("signs nothing if it comes back after it was replaced", () => {
    const replayed = after([mine(bob), mine(second), mine(bob)]);
    expect(replayed.list).not.toHaveProperty("userSigningKey");
    expect(replayed.list.selfSigningKey).toBe(bob.selfSigningKey);
    expect(replayed.pins.userSigningKey).toBe(second.userSigning.publicKey);
  });
});

describe("signing keys in two sets of pins", () => {
  const before = after([verified([])]).pins;
  const rotated = after([rotatedTo(second)], before).pins;

  it("are the ones that have replaced the others", () => {
    for (const merged of [mergePins(before, rotated), mergePins(rotated, before)])
      expect(merged.selfSigningKey).toBe(second.selfSigning.publicKey);
    expect(mergePins(known, rotated).selfSigningKey).toBe(second.selfSigning.publicKey);
  });

  it("are those of the master key that counts", () => {
    const event = keyEvent({ kind: "master" });
    const renewed = replaceMasterKey(rotated, third.master.publicKey, "acknowledged", event);
    for (const merged of [mergePins(rotated, renewed), mergePins(renewed, rotated)])
      expect(merged).not.toHaveProperty("selfSigningKey");
  });
});
