import { describe, expect, it } from "vitest";
import {
  LOST_PINS,
  mergePins,
  NO_PINS,
  pinsOf,
  readPins,
  repin,
  repinMasterKey,
  type Pins,
} from "../../src/trust/pins.js";
import { bob, phone, pinned, tablet, verified, withoutEd25519 } from "./pinned-lists.js";

describe("pinsOf", () => {
  it("returns the keys of a list, and the pinned master key rather than its own", () => {
    expect(
      pinsOf(
        verified([phone, withoutEd25519(tablet)], {
          identity: { masterKey: "new", pinnedMasterKey: "first", signedBy: [] },
        }),
      ),
    ).toMatchObject(pinned([phone], "first"));
    expect(pinsOf(verified([], { identity: { signedBy: [] } }))).toEqual(NO_PINS);
    expect(pinsOf(undefined)).toEqual(NO_PINS);
  });
});

describe("repin", () => {
  const pins: Pins = { ...pinned([phone, tablet], "master"), signed: new Set(["PHONE", "TABLET"]) };

  it("replaces the key of a device, and forgets that the other key has signed it", () => {
    expect(repin(pins, "PHONE", "new")).toEqual({
      devices: new Map([...pins.devices, ["PHONE", "new"]]),
      masterKey: "master",
      signed: new Set(["TABLET"]),
    });
  });

  it("adds a device, and returns the same pins if there is nothing to do", () => {
    expect(repin(NO_PINS, "PHONE", "new")).toEqual({ devices: new Map([["PHONE", "new"]]) });
    expect(repin(pins, "PHONE", pins.devices.get("PHONE")!)).toBe(pins);
  });

  it("says nothing of the master key: incomplete pins stay incomplete", () => {
    expect(repin(LOST_PINS, "PHONE", "new")).toMatchObject({ incomplete: true });
  });
});

describe("repinMasterKey", () => {
  it("replaces the master key; what was pinned before does not matter any more", () => {
    const pins: Pins = { ...pinned([phone], "first"), signed: new Set(["PHONE"]), incomplete: true };
    expect(repinMasterKey(pins, "new")).toEqual({ ...pinned([phone], "new"), signed: new Set(["PHONE"]) });
    expect(repinMasterKey(LOST_PINS, "new")).toEqual({ devices: new Map(), masterKey: "new" });
  });
});

describe("mergePins", () => {
  it("keeps the first of two keys", () => {
    const first: Pins = {
      devices: new Map([
        ["A", "first"],
        ["B", "b"],
      ]),
      masterKey: "first",
    };
    const later: Pins = {
      devices: new Map([
        ["A", "later"],
        ["C", "c"],
      ]),
      masterKey: "later",
    };
    expect(mergePins(first, later)).toEqual({
      devices: new Map([
        ["A", "first"],
        ["B", "b"],
        ["C", "c"],
      ]),
      masterKey: "first",
    });
    expect([...mergePins(first, later).devices.keys()]).toEqual(["A", "B", "C"]);
    expect(mergePins(NO_PINS, later)).toEqual(later);
    expect(mergePins({ devices: first.devices }, later).masterKey).toBe("later");
    expect(mergePins({ devices: first.devices }, { devices: later.devices })).not.toHaveProperty("masterKey");
  });

  it("ignores a signature by another key than the first one", () => {
    const signed = new Set(["A"]);
    expect(
      mergePins({ devices: new Map([["A", "first"]]) }, { devices: new Map([["A", "later"]]), signed }),
    ).not.toHaveProperty("signed");
    expect(
      mergePins({ devices: new Map([["A", "first"]]) }, { devices: new Map([["A", "first"]]), signed }),
    ).toMatchObject({ signed });
    expect(
      mergePins({ devices: new Map([["A", "first"]]), signed }, { devices: new Map([["A", "later"]]) }),
    ).toMatchObject({ signed });
  });

  it("returns the same pins if there is nothing to add", () => {
    const first = pinned([phone], "first");
    expect(mergePins(first, NO_PINS)).toBe(first);
  });

  it("is incomplete if the first pins are", () => {
    const later = pinned([phone], "later");
    expect(mergePins(LOST_PINS, later)).toEqual({ ...later, incomplete: true });
    expect(mergePins(NO_PINS, { ...later, incomplete: true })).toEqual(later);
  });
});

describe("readPins", () => {
  it("returns the saved pins, also from a copy", () => {
    const saved = pinned([phone, bob.device("__proto__")], bob.master.publicKey);
    expect(readPins(saved)).toBe(saved);
    expect(readPins(structuredClone(saved))).toEqual(saved);
    expect(readPins(pinned([phone]))).toMatchObject(pinned([phone]));
    expect(readPins(LOST_PINS)).toBe(LOST_PINS);
  });

  it("returns no pins if there is no record", () => {
    expect(readPins(undefined)).toBe(NO_PINS);
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["an array", []],
    ["no devices", { masterKey: "x" }],
    ["devices in an object", { devices: { PHONE: "key" } }],
    ["a key that is not a string", { devices: new Map([["PHONE", 5]]) }],
    ["a device ID that is not a string", { devices: new Map([[5, "key"]]) }],
    ["a master key that is not a string", { devices: new Map(), masterKey: 5 }],
    ["null as the master key", { devices: new Map(), masterKey: null }],
    ["signed devices in an array", { devices: new Map(), signed: ["PHONE"] }],
    ["pins that are incomplete in another way", { devices: new Map(), incomplete: false }],
  ])("refuses %s", (_, record) => {
    expect(readPins(record)).toBeUndefined();
  });
});
