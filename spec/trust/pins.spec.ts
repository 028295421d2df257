import { describe, expect, it } from "vitest";
import { mergePins, NO_PINS, pinsOf, readPins, repin, type Pins } from "../../src/trust/pins.js";
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
});

describe("readPins", () => {
  it("returns the saved pins, also from a copy", () => {
    const saved = pinned([phone, bob.device("__proto__")], bob.master.publicKey);
    expect(readPins(saved)).toBe(saved);
    expect(readPins(structuredClone(saved))).toEqual(saved);
    expect(readPins(pinned([phone]))).toMatchObject(pinned([phone]));
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
  ])("refuses %s", (_, record) => {
    expect(readPins(record)).toBeUndefined();
  });
});
