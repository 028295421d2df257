import { describe, expect, it } from "vitest";
import { MAX_FORGOTTEN_DEVICES, MAX_PINNED_DEVICES_PER_USER, MAX_RETIRED_KEYS } from "../../src/keys/limits.js";
import {
  evidenceOf,
  forget,
  isNothing,
  LOST_PINS,
  makePins,
  NO_PINS,
  noteShown,
  pinsOf,
  readPins,
  repin,
  repinMasterKey,
  replaceKeys,
  withRoom,
  type Pins,
} from "../../src/trust/pins.js";
import {
  allOf,
  bob,
  ed25519,
  historyOf,
  keysOf,
  phone,
  pinned,
  status,
  tablet,
  unsigned,
  verified,
  withoutEd25519,
  keyEvent as event,
} from "./pinned-lists.js";

describe("pinsOf", () => {
  it("returns the keys of a list, and the pinned master key rather than its own", () => {
    const identity = { masterKey: "new", pinnedMasterKey: "first", signedBy: [] };
    expect(pinsOf(verified([phone, withoutEd25519(tablet)], { identity }))).toEqual({
      ...pinned([phone], "first"),
      signed: new Set(["PHONE"]),
    });
    expect(pinsOf(verified([], { identity: { signedBy: [] } }))).toEqual(NO_PINS);
    expect(pinsOf(undefined)).toEqual(NO_PINS);
  });

  it("leaves out unsigned devices, not those that only their owner has signed", () => {
    expect(pinsOf(unsigned([phone])).devices).toEqual(new Map());
    const byOwner = pinsOf(verified([phone], allOf([phone], status({ signedByItself: false }))));
    expect(byOwner).toEqual(pinned([phone]));
  });

  it("returns that the user was verified", () => {
    expect(pinsOf(verified([], { identity: { signedBy: [], wasVerified: true } }))).toMatchObject({
      wasVerified: true,
    });
  });
});

describe("repin", () => {
  const pins: Pins = { ...pinned([phone, tablet], "master"), signed: new Set(["PHONE", "TABLET"]) };

  it("replaces the key of a device, and forgets that the other key has signed it", () => {
    expect(repin(pins, "PHONE", "new", 9)).toEqual({
      devices: new Map([...pins.devices, ["PHONE", "new"]]),
      masterKey: "master",
      signed: new Set(["TABLET"]),
      evidence: new Map([["PHONE", "acknowledged"]]),
      retired: new Map([["PHONE", [ed25519(phone)]]]),
      history: [event({ type: "acknowledged" })],
    });
  });

  it("adds a device", () => {
    expect(keysOf(repin(NO_PINS, "PHONE", "new", 9))).toEqual({ devices: new Map([["PHONE", "new"]]) });
  });

  it("makes the pinned key an acknowledged one, once", () => {
    const acknowledged = repin(pins, "PHONE", ed25519(phone), 9);
    expect(keysOf(acknowledged)).toEqual(pins);
    expect(evidenceOf(acknowledged, "PHONE")).toBe("acknowledged");
    expect(acknowledged).not.toHaveProperty("retired");
    expect(repin(acknowledged, "PHONE", ed25519(phone), 10)).toBe(acknowledged);
  });

  it("does not weaken a key that is verified", () => {
    const known: Pins = { ...pins, evidence: new Map([["PHONE", "verified"]]) };
    expect(repin(known, "PHONE", ed25519(phone), 9)).toBe(known);
  });

  it("brings a key back that was replaced", () => {
    const back = repin(repin(pins, "PHONE", "new", 9), "PHONE", ed25519(phone), 10);
    expect(back.devices).toEqual(pins.devices);
    expect(back.retired).toEqual(new Map([["PHONE", ["new"]]]));
  });

  it("says nothing of the master key: incomplete pins stay incomplete", () => {
    expect(repin(LOST_PINS, "PHONE", "new", 9)).toMatchObject({ incomplete: true });
  });
});

describe("replacing a device's key", () => {
  it("retires the former ones, the latest last, up to the limit", () => {
    let pins: Pins = NO_PINS;
    for (let i = 0; i <= MAX_RETIRED_KEYS + 1; i++)
      pins = replaceKeys(
        pins,
        new Map([["PHONE", { key: `${i}`, evidence: "cross-signed" as const, event: event() }]]),
      );
    expect(pins.retired?.get("PHONE")).toEqual(Array.from({ length: MAX_RETIRED_KEYS }, (_, i) => `${i + 1}`));
  });

  it("notes the event and the evidence", () => {
    const pins = replaceKeys(
      pinned([phone]),
      new Map([["PHONE", { key: "new", evidence: "cross-signed" as const, event: event() }]]),
    );
    expect([historyOf(pins), evidenceOf(pins, "PHONE")]).toEqual([["accepted PHONE"], "cross-signed"]);
  });
});

describe("the evidence of a device's key", () => {
  it("is what is pinned, else self-signed, and seen if nothing is pinned", () => {
    const pins: Pins = { ...pinned([phone, tablet]), evidence: new Map([["PHONE", "cross-signed"]]) };
    expect(["PHONE", "TABLET", "OTHER"].map((deviceId) => evidenceOf(pins, deviceId))).toEqual([
      "cross-signed",
      "self-signed",
      "seen",
    ]);
  });
});

describe("forgetting a device", () => {
  const pins = repin({ ...pinned([phone, tablet], "master"), signed: new Set(["PHONE", "TABLET"]) }, "PHONE", "new", 8);

  it("removes its keys, and leaves the others and the history", () => {
    const forgotten = forget(pins, "PHONE", 9, 4);
    expect(forgotten).toEqual({
      ...pinned([tablet], "master"),
      signed: new Set(["TABLET"]),
      forgotten: new Map([["PHONE", { at: 9, commit: 4 }]]),
      history: [...(pins.history ?? []), event({ type: "forgotten" })],
    });
  });

  it("remembers when, of the devices that were forgotten last", () => {
    const ids = Array.from({ length: MAX_FORGOTTEN_DEVICES + 1 }, (_, i) => `${i}`);
    const known = ids.reduce((all, id, i) => forget(repin(all, id, "new", i), id, i, i), NO_PINS);
    expect([...(known.forgotten ?? [])]).toEqual(ids.map((id, i) => [id, { at: i, commit: i }]).slice(1));
    const again = forget(repin(known, "1", "new", 99), "1", 99, 99);
    expect([...(again.forgotten ?? [])].at(-1)).toEqual(["1", { at: 99, commit: 99 }]);
    expect(again.forgotten?.size).toBe(MAX_FORGOTTEN_DEVICES);
  });

  it("is remembered of a device of which nothing is known: an answer that is on its way may have it", () => {
    const { history, forgotten } = forget(pins, "OTHER", 9, 4);
    expect(history).toBe(pins.history);
    expect(forgotten?.get("OTHER")).toEqual({ at: 9, commit: 4 });
  });

  it("leaves what came after the word, which may have waited", () => {
    const later = repin(pins, "PHONE", "later", 12);
    expect(forget(later, "PHONE", 11, 4)).toBe(later);
    expect(forget(later, "PHONE", 12, 4).devices.has("PHONE")).toBe(false);
    expect(repin(later, "PHONE", "earlier", 11)).toBe(later);
  });
});

describe("repinMasterKey", () => {
  const known: Pins = { ...pinned([phone], "first"), signed: new Set(["PHONE"]), incomplete: true };

  it("replaces the master key; what was pinned before does not matter any more", () => {
    const pins = repinMasterKey(known, "new", "acknowledged", 9);
    expect(keysOf(pins)).toEqual({ ...pinned([phone], "new"), signed: new Set(["PHONE"]) });
    expect(pins).toMatchObject({
      masterEvidence: "acknowledged",
      retiredMasterKeys: ["first"],
      history: [{ type: "acknowledged", kind: "master", key: "new", at: 9 }],
    });
    expect(keysOf(repinMasterKey(LOST_PINS, "new", "acknowledged", 9))).toEqual({
      devices: new Map(),
      masterKey: "new",
    });
  });

  it("confirms our own", () => {
    const pins = repinMasterKey(known, "first", "verified", 9);
    expect(keysOf(pins)).toEqual({ ...pinned([phone], "first"), signed: new Set(["PHONE"]) });
    expect([pins.masterEvidence, historyOf(pins)]).toEqual(["verified", ["confirmed master"]]);
    expect(pins).not.toHaveProperty("retiredMasterKeys");
  });

  it("brings a key back that was replaced", () => {
    const pins = repinMasterKey(repinMasterKey(known, "new", "acknowledged", 9), "first", "acknowledged", 10);
    expect([pins.masterKey, pins.retiredMasterKeys]).toEqual(["first", ["new"]]);
  });

  it("changes nothing if the key is pinned by a person's word already", () => {
    const pins = repinMasterKey(known, "new", "acknowledged", 9);
    expect(repinMasterKey(pins, "new", "acknowledged", 10)).toBe(pins);
  });

  it("does not weaken a confirmed key by acknowledging it", () => {
    const pins = repinMasterKey(known, "new", "verified", 9);
    expect(repinMasterKey(pins, "new", "acknowledged", 10)).toBe(pins);
    expect(repinMasterKey({ ...pins, incomplete: true }, "new", "acknowledged", 10)).toMatchObject({
      masterEvidence: "verified",
    });
  });

  it("makes incomplete pins complete, also those of a confirmed key", () => {
    const pins: Pins = { ...repinMasterKey(known, "new", "verified", 9), incomplete: true };
    expect(repinMasterKey(pins, "new", "verified", 10)).not.toHaveProperty("incomplete");
  });
});

describe("withRoom", () => {
  const ids = Array.from({ length: MAX_PINNED_DEVICES_PER_USER }, (_, i) => `D${i}`);
  const full: Pins = {
    devices: new Map(ids.map((id) => [id, "key"])),
    signed: new Set(["D0", "D1", "D2"]),
    evidence: new Map([
      ["D0", "cross-signed"],
      ["D2", "acknowledged"],
    ]),
    retired: new Map([
      ["D0", ["old"]],
      ["D1", ["old"]],
    ]),
  };
  const droppedFrom = (pins: Pins, after: Pins) => [...pins.devices.keys()].filter((id) => !after.devices.has(id));

  it("drops the oldest pins of devices that are gone, those with weak evidence first", () => {
    const isLive = (deviceId: string) => deviceId === "D3";
    const after = withRoom(full, 3, isLive);
    expect(droppedFrom(full, after)).toEqual(["D1", "D4", "D5"]);
    expect(after).toMatchObject({
      signed: new Set(["D0", "D2"]),
      evidence: full.evidence,
      retired: new Map([["D0", ["old"]]]),
    });
  });

  it("drops those with stronger evidence, too, if the others do not suffice", () => {
    const isLive = (deviceId: string) => !["D0", "D1", "D2"].includes(deviceId);
    expect(droppedFrom(full, withRoom(full, 2, isLive))).toEqual(["D0", "D1"]);
  });

  it("keeps the pins of devices that are there, whatever that costs", () => {
    expect(withRoom(full, 5, () => true).devices).toEqual(full.devices);
  });

  it("returns the same pins below the limit", () => {
    const pins = { ...full, devices: new Map([...full.devices].slice(1)) };
    expect(withRoom(pins, 1, () => false)).toBe(pins);
    expect(withRoom(full, 0, () => false)).toBe(full);
  });
});

describe("noting a key that is shown instead of the pinned one", () => {
  it("is done once for each key, however often it is shown", () => {
    const shown = noteShown(NO_PINS, [event({ type: "shown" })]);
    expect(noteShown(shown, [event({ type: "shown", at: 10 })])).toBe(shown);
    const other = noteShown(shown, [event({ type: "shown", key: "third" })]);
    expect(historyOf(other)).toEqual(["shown PHONE", "shown PHONE"]);
  });

  it("is not confused by other devices, or by what else became of the key", () => {
    let pins = noteShown(NO_PINS, [event({ type: "shown" })]);
    pins = noteShown(pins, [event({ type: "shown", deviceId: "TABLET" })]);
    expect(noteShown(pins, [event({ type: "shown" })])).toBe(pins);
    expect(historyOf(noteShown(pins, [event({ type: "returned" })]))).toEqual([
      "shown PHONE",
      "shown TABLET",
      "returned PHONE",
    ]);
  });
});

describe("pins that say nothing", () => {
  it("have no property with content", () => {
    expect(isNothing(NO_PINS)).toBe(true);
    expect(isNothing(makePins({ devices: new Map(), signed: new Set(), history: [], retired: new Map() }))).toBe(true);
  });

  it.each<[string, Pins]>([
    ["a device", pinned([phone])],
    ["a master key", pinned([], "master")],
    ["that others may be lost", LOST_PINS],
    ["that the user was verified", { devices: new Map(), wasVerified: true }],
    ["a history", { devices: new Map(), history: [event()] }],
  ])("are not those with %s", (_, pins) => {
    expect(isNothing(pins)).toBe(false);
  });
});

describe("readPins", () => {
  it("returns the saved pins, also from a copy", () => {
    const saved = pinned([phone, bob.device("__proto__")], bob.master.publicKey);
    expect(readPins(saved)).toBe(saved);
    expect(readPins(structuredClone(saved))).toEqual(saved);
    expect(readPins(pinned([phone]))).toMatchObject(pinned([phone]));
    expect(readPins(LOST_PINS)).toBe(LOST_PINS);
    const all: Pins = {
      ...repinMasterKey(repin(saved, "PHONE", "new", 9), "other", "verified", 9),
      crossSigningKeys: ["key"],
      wasVerified: true,
    };
    expect(readPins(structuredClone(all))).toEqual(all);
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
    ["evidence of no known kind", { devices: new Map(), evidence: new Map([["PHONE", "trusted"]]) }],
    ["evidence in an object", { devices: new Map(), evidence: { PHONE: "verified" } }],
    ["a retired key without a list", { devices: new Map(), retired: new Map([["PHONE", "key"]]) }],
    ["retired keys that are not strings", { devices: new Map(), retired: new Map([["PHONE", [5]]]) }],
    ["evidence of no known kind for the master key", { devices: new Map(), masterEvidence: "trusted" }],
    ["retired master keys in a set", { devices: new Map(), retiredMasterKeys: new Set(["key"]) }],
    ["cross-signing keys that are not strings", { devices: new Map(), crossSigningKeys: [undefined] }],
    ["a user who was not verified", { devices: new Map(), wasVerified: false }],
    ["a history of texts", { devices: new Map(), history: ["first-seen"] }],
    ["a history in an object", { devices: new Map(), history: { 0: {} } }],
    ["pins that are incomplete in another way", { devices: new Map(), incomplete: false }],
  ])("refuses %s", (_, record) => {
    expect(readPins(record)).toBeUndefined();
  });
});
