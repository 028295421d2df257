import { describe, expect, it } from "vitest";
import type { Evidence } from "../../src/trust/evidence.js";
import { contradict, mergePins } from "../../src/trust/merge-pins.js";
import {
  evidenceOf,
  LOST_PINS,
  makePins,
  NO_PINS,
  repin,
  repinMasterKey,
  replaceKeys,
  replaceMasterKey,
  type Pins,
} from "../../src/trust/pins.js";
import { ed25519, keysOf, phone, pinned, tablet, keyEvent as event } from "./pinned-lists.js";

describe("mergePins", () => {
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

  it("keeps the first of two keys", () => {
    expect(keysOf(mergePins(first, { ...later, masterKey: "first" }))).toEqual({
      devices: new Map([
        ["A", "first"],
        ["B", "b"],
        ["C", "c"],
      ]),
      masterKey: "first",
    });
    expect([...mergePins(first, later).devices.keys()]).toEqual(["A", "B", "C"]);
    expect(mergePins(first, later).masterKey).toBe("first");
    expect(mergePins(NO_PINS, later)).toEqual(later);
    expect(mergePins({ devices: first.devices }, later).masterKey).toBe("later");
    expect(mergePins({ devices: first.devices }, { devices: later.devices })).not.toHaveProperty("masterKey");
  });

  it("is incomplete if the master keys differ: one was wrongly shown as unchanged", () => {
    expect(mergePins(first, later).incomplete).toBe(true);
    expect(mergePins(first, { ...later, masterKey: "first" })).not.toHaveProperty("incomplete");
  });

  it("is complete if the other master key was shown as unknown", () => {
    expect(mergePins(first, { ...later, incomplete: true })).not.toHaveProperty("incomplete");
  });

  describe("of which one has replaced keys of the other", () => {
    const before: Pins = { ...pinned([phone], "first"), signed: new Set(["PHONE"]), history: [event({ at: 1 })] };
    const rekeyed = replaceKeys(
      before,
      new Map([["PHONE", { key: "new", evidence: "cross-signed" as const, event: event({ at: 2 }) }]]),
    );
    const renewed = replaceMasterKey(before, "renewed", "verified", event({ kind: "master", at: 3 }));

    it("has the later keys, in whatever order they come", () => {
      for (const later of [rekeyed, renewed]) {
        expect(mergePins(before, later)).toEqual(later);
        expect(mergePins(later, before)).toEqual(later);
      }
    });

    it("forgets the replacements that another identity has signed than the one that counts", () => {
      const keys = [new Map([["PHONE", "new"]]), new Map([["PHONE", ed25519(phone)]])];
      const merged = [mergePins(rekeyed, renewed), mergePins(renewed, rekeyed)];
      expect(merged.map(({ devices }) => devices)).toEqual(keys);
      for (const one of merged) {
        expect(one.masterKey).toBe("renewed");
        expect([one.retired, one.evidence]).toEqual([undefined, undefined]);
      }
    });

    it("has those of the first if each has replaced that of the other", () => {
      const later = repin(renewed, "PHONE", "new", 3);
      const back = repinMasterKey(repin(later, "PHONE", ed25519(phone), 4), "first", "acknowledged", 4);
      expect(mergePins(back, later)).toMatchObject({ devices: back.devices, masterKey: "first" });
      expect(mergePins(later, back)).toMatchObject({ devices: later.devices, masterKey: "renewed" });
      expect(mergePins(later, back).retired).toEqual(new Map([["PHONE", [ed25519(phone)]]]));
      expect(mergePins(later, back).retiredMasterKeys).toEqual(["first"]);
    });
  });

  it("ignores a signature by another key than the first one", () => {
    const signed = new Set(["A"]);
    const [firstA, laterA] = ["first", "later"].map((key): Pins => ({ devices: new Map([["A", key]]) }));
    expect(mergePins(firstA!, { ...laterA!, signed })).not.toHaveProperty("signed");
    expect(mergePins(firstA!, { ...firstA!, signed })).toMatchObject({ signed });
    expect(mergePins({ ...firstA!, signed }, laterA!)).toMatchObject({ signed });
  });

  it.each<[Evidence | undefined, Evidence | undefined, Evidence | undefined]>([
    [undefined, "cross-signed", "cross-signed"],
    ["cross-signed", undefined, "cross-signed"],
    ["cross-signed", "verified", "verified"],
    ["verified", "cross-signed", "verified"],
  ])("keeps the stronger evidence of one key: %s and %s", (a, b, expected) => {
    const withEvidence = (one: Evidence | undefined): Pins =>
      makePins({
        devices: new Map([["A", "key"]]),
        masterKey: "key",
        masterEvidence: one,
        evidence: one && new Map([["A", one]]),
      });
    const merged = mergePins(withEvidence(a), withEvidence(b));
    expect([merged.evidence?.get("A"), merged.masterEvidence]).toEqual([expected, expected]);
  });

  it("ignores evidence for another key than the first one", () => {
    const merged = mergePins(first, { ...later, evidence: new Map([["A", "cross-signed"]]) });
    expect(evidenceOf(merged, "A")).toBe("self-signed");
    expect(merged).not.toHaveProperty("masterEvidence");
  });

  it("has a person's word win over what the server said first, which is retired", () => {
    const word: Pins = { ...later, evidence: new Map([["A", "acknowledged"]]), masterEvidence: "acknowledged" };
    for (const merged of [mergePins(first, word), mergePins(word, first)]) {
      expect([merged.devices.get("A"), evidenceOf(merged, "A"), merged.retired?.get("A")]).toEqual([
        word.devices.get("A"),
        "acknowledged",
        [first.devices.get("A")],
      ]);
      expect([merged.masterKey, merged.retiredMasterKeys, merged.incomplete]).toEqual([
        word.masterKey,
        [first.masterKey],
        undefined,
      ]);
    }
    expect([contradict(first, word), contradict(word, first)]).toEqual([false, true]);
  });

  it("keeps what either knows of retired keys, cross-signing keys and history", () => {
    const shown = event({ type: "shown" });
    const one: Pins = { ...first, retiredMasterKeys: ["r1"], crossSigningKeys: ["k1"], history: [event()] };
    const other: Pins = {
      ...later,
      masterKey: "first",
      retired: new Map([["C", ["c0"]]]),
      retiredMasterKeys: ["r2"],
      crossSigningKeys: ["k2", "k1"],
      wasVerified: true,
      history: [shown],
    };
    expect(mergePins(one, other)).toMatchObject({
      retired: new Map([["C", ["c0"]]]),
      retiredMasterKeys: ["r1", "r2"],
      crossSigningKeys: ["k1", "k2"],
      wasVerified: true,
      history: [event(), shown],
    });
  });

  it("keeps the retired keys of either, never the one that is pinned", () => {
    const withRetired = (...keys: readonly string[]): Pins => ({
      devices: new Map([["A", "key"]]),
      retired: new Map([["A", keys]]),
    });
    expect(mergePins(withRetired("x"), withRetired("y")).retired).toEqual(new Map([["A", ["x", "y"]]]));
    expect(mergePins(withRetired("x"), withRetired("x", "key")).retired).toEqual(new Map([["A", ["x"]]]));
  });

  it("returns the same pins if there is nothing to add", () => {
    const pins = pinned([phone], "first");
    expect(mergePins(pins, NO_PINS)).toBe(pins);
    expect(mergePins(pins, LOST_PINS)).toBe(pins);
  });

  it("is incomplete if the first pins are", () => {
    expect(keysOf(mergePins(LOST_PINS, pinned([phone], "later")))).toEqual({
      ...pinned([phone], "later"),
      incomplete: true,
    });
    expect(mergePins(NO_PINS, { ...later, incomplete: true })).toEqual(later);
  });
});

describe("two sets of pins", () => {
  it("contradict each other if they have another key for a device or as the master key", () => {
    expect(contradict(pinned([phone], "a"), pinned([tablet], "b"))).toBe(true);
    expect(contradict(pinned([phone]), { devices: new Map([["PHONE", "another"]]) })).toBe(true);
  });

  it("do not if one has what the other has not", () => {
    expect(contradict(pinned([phone], "a"), pinned([phone, tablet], "a"))).toBe(false);
    expect(contradict(pinned([phone], "a"), pinned([tablet]))).toBe(false);
    expect(contradict(NO_PINS, pinned([phone], "a"))).toBe(false);
  });

  it("do not if one has replaced the key of the other", () => {
    const before = pinned([phone], "first");
    const after = repinMasterKey(repin(before, "PHONE", "new", 9), "renewed", "acknowledged", 9);
    expect([contradict(before, after), contradict(after, before)]).toEqual([false, false]);
    expect(contradict(after, { ...before, masterKey: "third" })).toBe(true);
    expect(contradict(after, { devices: new Map([["PHONE", "third"]]) })).toBe(true);
  });
});
