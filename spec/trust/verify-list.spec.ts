import { describe, expect, it } from "vitest";
import { applyPins } from "../../src/trust/apply-pins.js";
import { NO_PINS } from "../../src/trust/pins.js";
import { crossSigningKey, keyPair, signed, signedAccount, withSignature } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { alice, bob, codesOf, mallory, phone, statusOf, tablet, verify, type Given } from "./verify.js";

describe("what is the same as in the known list", () => {
  const given: Given = { devices: [phone, tablet], masterKey: signed(bob.masterKey, ALICE, alice.userSigning) };
  const first = verify(given);
  const known = first.list;

  it("took one check per signature the first time", () => {
    expect(first.checked).toBe(6);
  });

  it("is not verified again, with the same outcome", () => {
    const again = verify(structuredClone(given), known);
    expect(again.checked).toBe(0);
    expect(again.list).toEqual(known);
    expect(again.refusals).toEqual([]);
  });

  it("includes a device with another display name", () => {
    const renamed = { ...phone, unsigned: { device_display_name: "new name" } };
    const again = verify({ ...given, devices: [renamed, tablet] }, known);
    expect(again.checked).toBe(0);
    expect(again.list.deviceKeys.get("PHONE")).toEqual(renamed);
    expect(statusOf(again)).toEqual(statusOf(first));
  });

  it("includes devices and a self-signing key to which signatures of others were added", () => {
    const more = <T extends Parameters<typeof signed>[0]>(object: T) =>
      withSignature(withSignature(signed(object, CAROL, mallory), BOB, "OTHER", "A".repeat(86)), BOB, "?", "?");
    const selfSigningKey = more(bob.selfSigningKey);
    const again = verify({ ...given, devices: [more(phone), more(tablet)], selfSigningKey }, known);
    expect(again.checked).toBe(1); // the master key's signature of the self-signing key
    expect([statusOf(again), statusOf(again, "TABLET")]).toEqual([statusOf(first), statusOf(first, "TABLET")]);
  });

  it("does not include a device whose own signature is another one", () => {
    const forged = withSignature(phone, BOB, "PHONE", `B${phone.signatures?.[BOB]?.["ed25519:PHONE"]?.slice(1)}`);
    const again = verify({ ...given, devices: [forged, tablet] }, known);
    expect(again.checked).toBe(1);
    expect(codesOf(again)).toEqual([["PHONE", "invalid-signature"]]);
  });

  it("does not include the owner's signature if it is another one", () => {
    const forged = withSignature(phone, BOB, bob.selfSigning.publicKey, "A".repeat(86));
    const again = verify({ ...given, devices: [forged, tablet] }, known);
    expect(again.checked).toBe(1);
    expect(statusOf(again)?.crossSigned).toBe(false);
  });

  it("includes an invalid signature by the owner", () => {
    const forged = { ...given, devices: [withSignature(phone, BOB, bob.selfSigning.publicKey, "A".repeat(86))] };
    const before = verify(forged);
    const again = verify(forged, before.list);
    expect([before, again].map((verified) => statusOf(verified)?.crossSigned)).toEqual([false, false]);
    expect(again.checked).toBe(0);
  });

  it("does not include a new device, whose signatures are the only ones checked", () => {
    const again = verify({ ...given, devices: [phone, tablet, bob.device("NEW")] }, known);
    expect(again.checked).toBe(2);
    expect(statusOf(again, "NEW")).toEqual({ signedByItself: true, crossSigned: true, dehydrated: false });
  });

  it("does not include a new signature by the owner, which is the only one checked", () => {
    const before = verify({ ...given, devices: [bob.device("PHONE", { signedBy: ["itself"] }), tablet] });
    const again = verify(given, before.list);
    expect(again.checked).toBe(1);
    expect([before, again].map((verified) => statusOf(verified)?.crossSigned)).toEqual([false, true]);
  });

  it("does not include a device altered under its old signatures", () => {
    const again = verify({ ...given, devices: [{ ...phone, algorithms: [] }, tablet] }, known);
    expect(again.checked).toBe(2);
    expect(codesOf(again)).toEqual([["PHONE", "invalid-signature"]]);
  });

  it("does not include a device that has lost its own signature", () => {
    const { "ed25519:PHONE": _, ...rest } = phone.signatures?.[BOB] ?? {};
    const again = verify({ ...given, devices: [{ ...phone, signatures: { [BOB]: rest } }, tablet] }, known);
    expect(statusOf(again)).toEqual({ signedByItself: false, crossSigned: true, dehydrated: false });
  });

  it("does not include the owner's signatures by another self-signing key", () => {
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

  it("does not include a device that was kept in place of a refused one", () => {
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

  it("does not include the self-signing key under another master key", () => {
    const again = verify({ ...given, masterKey: signedAccount(BOB, "new").masterKey }, known);
    expect(again.list).not.toHaveProperty("selfSigningKey");
    expect(statusOf(again)?.crossSigned).toBe(false);
  });

  it("does not include a self-signing key altered under its old signature", () => {
    const again = verify(
      { ...given, selfSigningKey: { ...bob.selfSigningKey, usage: ["self_signing", "more"] } },
      known,
    );
    expect(again.list).not.toHaveProperty("selfSigningKey");
    expect(statusOf(again)?.crossSigned).toBe(false);
  });

  it("does not include our own signatures if there is a new one", () => {
    const before = verify({ ...given, masterKey: bob.masterKey });
    const again = verify(given, before.list);
    expect([before, again].map(({ list }) => list.identity.signedBy)).toEqual([[], [alice.userSigning.publicKey]]);
  });

  it("does not save an unsigned device from being refused", () => {
    const unsigned: Given = { devices: [bob.device("PHONE", { signedBy: [] })] };
    expect(codesOf(verify(unsigned, verify(unsigned).list, "refuse"))).toEqual([["PHONE", "unsigned"]]);
  });

  it("includes our own user-signing key", () => {
    const ours: Given = { account: alice, devices: [alice.device("PHONE")] };
    const before = verify(ours);
    const again = verify(ours, before.list);
    expect([before.checked, again.checked]).toEqual([4, 0]);
    expect(again.list).toEqual(before.list);
  });
});
