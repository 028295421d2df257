import { describe, expect, it } from "vitest";
import { MAX_PINNED_DEVICES_PER_USER } from "../../src/keys/limits.js";
import type { DeviceStatus } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import type { Evidence } from "../../src/trust/evidence.js";
import { pinDevices, wasSigned, type IdentityEvidence } from "../../src/trust/pin-devices.js";
import { evidenceOf, NO_PINS, repin, type Pins } from "../../src/trust/pins.js";
import { keyPair } from "../support/signed-account.js";
import {
  allOf,
  bob,
  ed25519,
  historyOf,
  keysOf,
  phone,
  pinned,
  SELF_SIGNED,
  selfSigned,
  status,
  tablet,
  UNSIGNED,
  unsigned,
  verified,
  withoutEd25519,
} from "./pinned-lists.js";

const swapped = bob.device("PHONE", { key: keyPair("another phone") });
const third = bob.device("PHONE", { key: keyPair("a third phone") });
const BY_OWNER = status({ signedByItself: false });

/** What follows if the list has no other fault: all new devices are pinned. */
const pinAll = (...args: Parameters<typeof pinDevices>) => {
  const { refusals, pinsExcept } = pinDevices(...args);
  return { refusals, pins: pinsExcept(new Map()) };
};
const codes = ({ refusals }: ReturnType<typeof pinAll>) =>
  Array.from(refusals, ([deviceId, { code }]) => `${deviceId}:${code}`);
/** What follows if the identity that has signed devices is the pinned one. */
const pinIn = (list: DeviceList, known: Pins, byIdentity: "cross-signed" | "verified" = "cross-signed") =>
  pinAll(list, known, undefined, byIdentity);

/** What follows from the phone in these forms, one after the other, all cross-signed. */
const after = (devices: readonly DeviceKeys[], known: Pins = NO_PINS) =>
  devices.reduce<ReturnType<typeof pinAll>>((last, device) => pinIn(verified([device]), last.pins), {
    refusals: new Map(),
    pins: known,
  });

describe("1. devices that are not known", () => {
  it.each<[string, DeviceStatus, IdentityEvidence, Evidence]>([
    ["have signed themselves", SELF_SIGNED, "cross-signed", "self-signed"],
    ["have signed themselves under no comparable identity", status(), undefined, "self-signed"],
    ["are cross-signed", status(), "cross-signed", "cross-signed"],
    ["are cross-signed, and not signed by themselves", BY_OWNER, "cross-signed", "cross-signed"],
    ["are cross-signed by a verified identity", status(), "verified", "verified"],
  ])("are pinned if they %s", (_, one, byIdentity, evidence) => {
    const { pins, refusals } = pinAll(verified([phone], allOf([phone], one)), NO_PINS, undefined, byIdentity);
    expect([refusals.size, pins.devices]).toEqual([0, pinned([phone]).devices]);
    expect(evidenceOf(pins, "PHONE")).toBe(evidence);
    expect(pins.signed).toEqual(one.signedByItself ? new Set(["PHONE"]) : undefined);
    expect(historyOf(pins)).toEqual(["first-seen PHONE"]);
  });

  it.each<[string, DeviceStatus, IdentityEvidence]>([
    ["are not signed", UNSIGNED, "verified"],
    ["are signed by an identity that is not comparable", BY_OWNER, undefined],
  ])("are not pinned if they %s", (_, one, byIdentity) => {
    const { pins, refusals } = pinAll(verified([phone], allOf([phone], one)), NO_PINS, undefined, byIdentity);
    expect([pins, refusals.size]).toEqual([NO_PINS, 0]);
  });

  it("do not block the true one by being unsigned, with whatever key", () => {
    const { pins } = pinIn(unsigned([swapped]), NO_PINS);
    const { refusals, pins: later } = pinIn(selfSigned([phone]), pins);
    expect([refusals.size, later.devices]).toEqual([0, pinned([phone]).devices]);
  });

  it("are not pinned without an ed25519 key", () => {
    expect(pinIn(verified([withoutEd25519(phone)]), NO_PINS).pins).toBe(NO_PINS);
  });
});

describe("new devices that are refused for another reason", () => {
  const list = verified([phone, tablet]);

  it("are not pinned, and the others are", () => {
    const { pins, pinsExcept } = pinDevices(list, NO_PINS, undefined, "cross-signed");
    expect(pins).toBe(NO_PINS);
    const others = pinsExcept(new Map([["PHONE", "refused"]]));
    expect(keysOf(others)).toEqual({ ...pinned([tablet]), signed: new Set(["TABLET"]) });
    expect([evidenceOf(others, "PHONE"), historyOf(others)]).toEqual(["seen", ["first-seen TABLET"]]);
  });

  it("keep their pins, and get stronger evidence, if they are known", () => {
    const known = pinAll(selfSigned([phone]), NO_PINS, undefined, undefined).pins;
    const { pinsExcept } = pinDevices(list, known, undefined, "cross-signed");
    const pins = pinsExcept(new Map([["PHONE", "refused"]]));
    expect([pins.devices, evidenceOf(pins, "PHONE")]).toEqual([pinned([phone, tablet]).devices, "cross-signed"]);
  });
});

describe("devices that are known", () => {
  const known = pinIn(selfSigned([phone]), NO_PINS).pins;

  it("leave the same pins if nothing about them is new or stronger", () => {
    expect(pinIn(selfSigned([phone]), known).pins).toBe(known);
    expect(pinIn(verified([]), known).pins).toBe(known);
    const crossSigned = pinIn(verified([phone]), known).pins;
    expect(pinIn(selfSigned([phone]), crossSigned).pins).toBe(crossSigned);
    expect(pinIn(verified([phone]), crossSigned).pins).toBe(crossSigned);
  });

  it("get the stronger evidence, and keep it", () => {
    const crossSigned = pinIn(verified([phone]), known).pins;
    expect(evidenceOf(crossSigned, "PHONE")).toBe("cross-signed");
    const isVerified = pinIn(verified([phone]), crossSigned, "verified").pins;
    expect(evidenceOf(isVerified, "PHONE")).toBe("verified");
    expect(pinIn(selfSigned([phone]), isVerified).pins).toBe(isVerified);
    expect(keysOf(isVerified)).toEqual(keysOf(known));
  });

  it("are noted as signed when they first are", () => {
    const byOwner = pinIn(verified([phone], allOf([phone], BY_OWNER)), NO_PINS).pins;
    expect(byOwner).not.toHaveProperty("signed");
    expect(pinIn(verified([phone]), byOwner).pins.signed).toEqual(new Set(["PHONE"]));
  });
});

describe("2. another ed25519 key", () => {
  const refused = ["PHONE:key-changed"];
  const pinnedOn = (evidence: Evidence): Pins => ({
    ...pinned([phone]),
    signed: new Set(["PHONE"]),
    ...(evidence !== "self-signed" && { evidence: new Map([["PHONE", evidence]]) }),
  });

  it.each<[Evidence, IdentityEvidence]>([
    ["self-signed", "cross-signed"],
    ["cross-signed", "cross-signed"],
    ["cross-signed", "verified"],
    ["acknowledged", "verified"],
    ["verified", "verified"],
  ])("replaces a %s one if a %s identity has signed it", (known, byIdentity) => {
    const result = pinAll(verified([swapped]), pinnedOn(known), undefined, byIdentity);
    expect(codes(result)).toEqual([]);
    expect(result.pins.devices).toEqual(pinned([swapped]).devices);
    expect(result.pins.retired).toEqual(new Map([["PHONE", [ed25519(phone)]]]));
    expect(evidenceOf(result.pins, "PHONE")).toBe(byIdentity);
    expect(historyOf(result.pins)).toEqual(["accepted PHONE"]);
  });

  it.each<[Evidence, IdentityEvidence]>([
    ["self-signed", undefined],
    ["acknowledged", "cross-signed"],
    ["verified", "cross-signed"],
  ])("is refused for a %s one if the identity is %s", (known, byIdentity) => {
    const result = pinAll(verified([swapped]), pinnedOn(known), undefined, byIdentity);
    expect(codes(result)).toEqual(refused);
    expect(keysOf(result.pins)).toEqual(keysOf(pinnedOn(known)));
    expect(evidenceOf(result.pins, "PHONE")).toBe(known);
    expect(historyOf(result.pins)).toEqual(["shown PHONE"]);
  });

  it.each(["cross-signed", "verified"] as const)("is refused if only itself has signed it (%s)", (byIdentity) => {
    for (const list of [selfSigned([swapped]), unsigned([swapped])])
      expect(codes(pinIn(list, pinnedOn("self-signed"), byIdentity))).toEqual(refused);
  });

  it("is refused if there is none", () => {
    expect(codes(pinIn(verified([withoutEd25519(phone)]), pinnedOn("self-signed"), "verified"))).toEqual(refused);
  });

  it("is not signed by the former one: that it has signed itself is noted anew", () => {
    const list = verified([swapped], allOf([swapped], BY_OWNER));
    expect(pinIn(list, pinnedOn("self-signed")).pins).not.toHaveProperty("signed");
    expect(pinIn(verified([swapped]), pinnedOn("self-signed")).pins.signed).toEqual(new Set(["PHONE"]));
  });

  it("does not come back once it was replaced, even with a stronger signature", () => {
    const rekeyed = after([phone, swapped, third]);
    expect(codes(rekeyed)).toEqual([]);
    for (const former of [phone, swapped]) {
      const result = pinIn(verified([former]), rekeyed.pins, "verified");
      expect(codes(result)).toEqual(refused);
      expect(result.refusals.get("PHONE")?.detail).toContain("a key that this device had before");
      expect(result.pins.devices).toEqual(pinned([third]).devices);
      expect(historyOf(result.pins).at(-1)).toBe("returned PHONE");
    }
  });

  it("comes back by a person's word", () => {
    const { pins } = after([phone, swapped]);
    const back = repin(pins, "PHONE", ed25519(phone), 9);
    expect(codes(pinIn(selfSigned([phone]), back))).toEqual([]);
    expect(codes(pinIn(verified([swapped]), back, "verified"))).toEqual(refused);
  });

  it("is noted once while it is refused", () => {
    const { pins } = pinIn(selfSigned([swapped]), pinnedOn("self-signed"));
    expect(pinIn(selfSigned([swapped]), pins).pins).toBe(pins);
  });

  it("does not affect other devices", () => {
    const list = {
      ...verified([swapped, tablet]),
      deviceStatus: new Map([
        ["PHONE", SELF_SIGNED],
        ["TABLET", status()],
      ]),
    };
    const result = pinIn(list, pinnedOn("self-signed"));
    expect(codes(result)).toEqual(refused);
    expect(result.pins.devices).toEqual(pinned([phone, tablet]).devices);
  });
});

describe("3. a device that has lost its signature", () => {
  const { pins } = pinIn(selfSigned([phone]), NO_PINS);

  it("is refused, also if it was deleted in between", () => {
    expect(codes(pinIn(unsigned([phone]), pins))).toEqual(["PHONE:unsigned"]);
    expect(codes(pinIn(unsigned([phone]), pinIn(verified([]), pins).pins))).toEqual(["PHONE:unsigned"]);
  });

  it("is refused if the list before has it as signed by its pinned key", () => {
    const known = pinned([phone]);
    const codesAfter = (before: DeviceList) => codes(pinAll(unsigned([phone]), known, before, undefined));
    expect(codesAfter(selfSigned([phone]))).toEqual(["PHONE:unsigned"]);
    expect(codesAfter(selfSigned([swapped]))).toEqual([]);
    expect(codesAfter(unsigned([phone]))).toEqual([]);
  });

  it("is accepted if its owner has signed it", () => {
    const list = verified([phone], allOf([phone], BY_OWNER));
    expect(codes(pinIn(list, pins))).toEqual([]);
    expect(codes(pinAll(list, pins, undefined, undefined))).toEqual(["PHONE:unsigned"]);
  });

  it("is accepted with a new key by a person's word: the new one has signed nothing", () => {
    const known = repin(pins, "PHONE", ed25519(swapped), 9);
    expect(codes(pinIn(unsigned([swapped]), known))).toEqual([]);
    expect(wasSigned("PHONE", known, undefined)).toBe(false);
  });
});

describe("at the limit of pinned devices", () => {
  const ids = Array.from({ length: MAX_PINNED_DEVICES_PER_USER }, (_, i) => `D${i}`);
  const crowd: Pins = {
    devices: new Map(ids.map((id) => [id, "key"])),
    evidence: new Map([["D0", "cross-signed"]]),
  };

  it("signed devices take the places of the weakest ones that are gone", () => {
    const { pins } = pinIn(selfSigned([phone, tablet]), crowd);
    expect([...pins.devices.keys()]).toEqual(["D0", ...ids.slice(3), "PHONE", "TABLET"]);
  });

  it("unsigned devices take no place", () => {
    expect(pinIn(unsigned([phone, tablet]), crowd).pins).toBe(crowd);
  });
});
