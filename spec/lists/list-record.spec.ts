import { describe, expect, it } from "vitest";
import { listRecordIn, readListRecord } from "../../src/lists/list-record.js";
import { listKey, OWNER, type OwnerRecord } from "../../src/store/records.js";
import { SavedRecords } from "../../src/store/saved-records.js";
import { NO_IDENTITY, type Identity } from "../../src/trust/identity.js";
import { LOST_PINS, NO_PINS, type Pins } from "../../src/trust/pins.js";
import { OWNED_BY_ALICE } from "../store/in-store.js";
import { BOB, CAROL } from "../support/users.js";
import { bob, keyOf, phone, pinsFor, tablet, verified } from "./verified-lists.js";

const pins = pinsFor(bob, phone, tablet);
const saved = { revision: 4, list: verified(bob, [phone]) };

describe("the record of a user's list", () => {
  it("is read back: the pins, and the list if there is one", () => {
    expect(readListRecord({ pins, saved }, BOB)).toEqual({ pins, saved, damaged: [] });
    expect(readListRecord({ pins }, BOB)).toEqual({ pins, saved: undefined, damaged: [] });
  });

  it("may be absent", () => {
    expect(readListRecord(undefined, BOB)).toEqual({ pins: NO_PINS, saved: undefined, damaged: [] });
  });

  it.each([null, "?", 5, []])("that is %j has nothing that can be trusted", (record) => {
    expect(readListRecord(record, BOB)).toEqual({ pins: LOST_PINS, saved: undefined, damaged: ["pins", "list"] });
  });

  it.each([
    ["text", "?"],
    ["without a revision", { list: saved.list }],
    ["with a revision that is no number", { ...saved, revision: "4" }],
    ["with a list that is no list", { ...saved, list: {} }],
    ["null", null],
  ])("keeps its pins if the list is damaged: %s", (_, damaged) => {
    expect(readListRecord({ pins, saved: damaged }, BOB)).toEqual({ pins, saved: undefined, damaged: ["list"] });
  });

  it("does not take another user's list", () => {
    expect(readListRecord({ pins, saved }, CAROL)).toMatchObject({ saved: undefined, damaged: ["list"] });
  });

  it.each([
    ["text", "?"],
    ["without a map of devices", { devices: {} }],
    ["with a key that is no string", { devices: new Map([["PHONE", 5]]) }],
    ["gone", undefined],
  ])("takes the pins from the list if they are damaged: %s", (_, damaged) => {
    expect(readListRecord({ pins: damaged, saved }, BOB)).toMatchObject({
      pins: { devices: pinsFor(bob, phone).devices, incomplete: true },
      saved,
      damaged: ["pins"],
    });
  });
});

describe("pins that are missing beside a list", () => {
  const { masterKey, devices, signed } = pins;
  const pinnedList = verified(bob, [phone], {
    identity: { masterKey, pinnedMasterKey: masterKey, signedBy: [] } as Identity,
  });
  const readWith = (known: Pins, list = pinnedList) => readListRecord({ pins: known, saved: { ...saved, list } }, BOB);

  it.each<[string, Pins]>([
    ["all of them", NO_PINS],
    ["those of a device", { ...pins, devices: new Map([["TABLET", keyOf(tablet, "ed25519")]]) }],
    ["the master key", { devices, signed: signed! }],
  ])("are taken from it, and are incomplete: %s", (_, known) => {
    const read = readWith(known);
    expect(read.damaged).toEqual(["pins"]);
    expect(read.pins).toMatchObject({ masterKey, incomplete: true });
    expect(read.pins.devices.get("PHONE")).toBe(keyOf(phone, "ed25519"));
  });

  it("do not replace those that are there", () => {
    const known = { ...NO_PINS, masterKey: "pinned" };
    expect(readWith(known).pins).toMatchObject({ masterKey: "pinned", incomplete: true });
  });

  it("are not those of devices that pin nothing, or of a user without an identity", () => {
    const unsigned = verified(bob, [phone], {
      deviceStatus: new Map([["PHONE", { signedByItself: false, crossSigned: false, dehydrated: false }]]),
      identity: NO_IDENTITY,
    });
    expect(readWith(NO_PINS, unsigned)).toMatchObject({ pins: NO_PINS, damaged: [] });
  });
});

describe("a user of whom nothing is saved", () => {
  const absentIn = (owner: OwnerRecord) =>
    listRecordIn(new SavedRecords([OWNER, listKey(BOB)], [owner, undefined]), BOB);

  it("has no pins", () => {
    expect(absentIn(OWNED_BY_ALICE)).toEqual({ pins: NO_PINS, saved: undefined, damaged: [] });
  });

  it("may have some in the store that memory stands in for", () => {
    expect(absentIn({ ...OWNED_BY_ALICE, lostPins: true })).toEqual({ pins: LOST_PINS, saved: undefined, damaged: [] });
  });
});
