import { describe, expect, it } from "vitest";
import { acknowledge, acknowledgeKeys, type Acknowledged, type Acknowledgement } from "../../src/lists/acknowledge.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { listKey, OWN_IDENTITY } from "../../src/store/records.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { identityStatus } from "../../src/trust/identity.js";
import { inStore, storeOfAlice } from "../store/in-store.js";
import { saved } from "../support/saved.js";
import { signedAccount } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";
import { LOST_PINS, NO_PINS, type Pins } from "../../src/trust/pins.js";
import { historyOf, keysOf } from "../trust/pinned-lists.js";
import { pinsFor, verified } from "./verified-lists.js";

const [first, second] = [signedAccount(BOB, "first"), signedAccount(BOB, "second")];
const phone = first.device("PHONE");
const pins = pinsFor(first, phone);
const KEY = second.master.publicKey;

/** Bob's list, whose master key is the second one, while the first is pinned. */
const list: DeviceList = verified(second, [phone], {
  identity: { masterKey: KEY, pinnedMasterKey: first.master.publicKey, signedBy: ["ours"] },
});
const acknowledged: DeviceList = { ...list, identity: { ...list.identity, pinnedMasterKey: KEY } };

const OURS = { userSigningKey: "ours", userSigningKeys: ["ours"] };
const savedBob = (record: unknown = { pins, saved: { revision: 7, list } }): DeviceStore =>
  storeOfAlice([listKey(BOB), record], [OWN_IDENTITY, OURS]);

/** Acknowledges the second master key of Bob. */
const acknowledgeIn = (store: DeviceStore, changes: Partial<Acknowledgement> = {}): Acknowledged => {
  const acknowledgement = {
    userId: BOB,
    masterKey: KEY,
    ownUserId: ALICE,
    confirms: false,
    at: 9,
    inMemory: undefined,
    isTracked: true,
    ...changes,
  };
  return inStore(
    store,
    (records) => acknowledge(records, { head: 0, position: 0, by: "other" }, acknowledgement),
    acknowledgeKeys(acknowledgement.userId),
  );
};

const savedPins = (store: DeviceStore, userId = BOB): Pins =>
  (saved(store, listKey(userId)) as { pins?: Pins } | undefined)?.pins ?? NO_PINS;

describe("acknowledging a master key", () => {
  it("of a user who is not tracked is not compared with their list, which is of former times", () => {
    const store = savedBob();
    expect(acknowledgeIn(store, { masterKey: first.master.publicKey })).toHaveProperty("masterKey", KEY);
    expect(acknowledgeIn(store, { masterKey: first.master.publicKey, isTracked: false })).toHaveProperty("list");
    expect(savedPins(store).masterKey).toBe(first.master.publicKey);
  });

  it("pins it instead of the first one, in the list as well, and leaves the rest", () => {
    const store = savedBob();
    expect(acknowledgeIn(store)).toEqual({ list: acknowledged });
    expect(keysOf(savedPins(store))).toEqual({ ...pins, masterKey: KEY });
    expect(savedPins(store)).toMatchObject({
      masterEvidence: "acknowledged",
      retiredMasterKeys: [first.master.publicKey],
      history: [{ type: "acknowledged", kind: "master", key: KEY, at: 9 }],
    });
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { revision: 7, list: acknowledged } });
    expect(saved(store, OWN_IDENTITY)).toEqual(OURS);
  });

  it("makes the identity unchanged, and verified if our key has signed it", () => {
    expect([list, acknowledged].map(({ identity }) => identityStatus(identity, "ours"))).toMatchObject([
      { state: "changed", verified: false },
      { state: "unchanged", verified: true },
    ]);
  });

  it("makes an identity known that could not be compared", () => {
    const uncompared: DeviceList = { ...acknowledged, identity: { ...acknowledged.identity, uncompared: true } };
    const store = savedBob({ pins: { ...pins, incomplete: true }, saved: { revision: 7, list: uncompared } });
    expect(acknowledgeIn(store)).toEqual({ list: acknowledged });
    expect(keysOf(savedPins(store))).toEqual({ ...pins, masterKey: KEY });
    expect(saved(store, listKey(BOB))).toEqual({ pins: savedPins(store), saved: { revision: 7, list: acknowledged } });
  });

  it("changes nothing if a person has acknowledged it already", () => {
    const known: Pins = { ...pins, masterKey: KEY, masterEvidence: "acknowledged" };
    const record = { pins: known, saved: { revision: 7, list: acknowledged } };
    const store = savedBob(record);
    acknowledgeIn(store);
    expect(saved(store, listKey(BOB))).toEqual(record);
  });

  it.each<[string, DeviceList["identity"], string | undefined]>([
    ["another one in the meantime", { ...list.identity, masterKey: "third" }, "third"],
    ["none any more", { pinnedMasterKey: first.master.publicKey, signedBy: [] }, undefined],
  ])("writes nothing if the user has %s, and returns that", (_, identity, masterKey) => {
    const record = { pins, saved: { revision: 7, list: { ...list, identity } } };
    const store = savedBob(record);
    expect(acknowledgeIn(store)).toEqual({ masterKey });
    expect(saved(store, listKey(BOB))).toEqual(record);
  });

  it.each([
    ["is saved", { pins }],
    ["can be read", { pins, saved: "?" }],
  ])("pins it although no list %s", (_, record) => {
    const store = savedBob(record);
    expect(acknowledgeIn(store)).toEqual({ list: undefined });
    expect(saved(store, listKey(BOB))).toEqual({ pins: savedPins(store) });
    expect(keysOf(savedPins(store))).toEqual({ ...pins, masterKey: KEY });
  });

  it("pins it although nothing is saved of the user", () => {
    const store = storeOfAlice();
    acknowledgeIn(store);
    expect(keysOf(savedPins(store))).toEqual({ devices: new Map(), masterKey: KEY });
  });

  it("keeps the pins of devices that the list has if the pins are damaged", () => {
    const store = savedBob({ pins: "?", saved: { revision: 7, list } });
    acknowledgeIn(store);
    expect(saved(store, listKey(BOB))).toMatchObject({ pins: { devices: pins.devices, masterKey: KEY } });
  });

  it("pins the key of a list in memory that is newer than the saved one", () => {
    const older = verified(first, [phone], {
      identity: { masterKey: first.master.publicKey, pinnedMasterKey: first.master.publicKey, signedBy: [] },
    });
    const store = savedBob({ pins, saved: { revision: 7, list: older } });
    expect(acknowledgeIn(store, { inMemory: { ...list, fetchedAt: older.fetchedAt + 1 } })).toEqual({
      list: undefined,
    });
    expect(saved(store, listKey(BOB))).toMatchObject({
      pins: { masterKey: KEY },
      saved: { list: { identity: { masterKey: first.master.publicKey, pinnedMasterKey: KEY } } },
    });
  });
});

describe("our own identity", () => {
  const alice = signedAccount(ALICE, "second");
  const OUR_KEY = alice.userSigning.publicKey;
  const FORMER = { userSigningKey: "old", userSigningKeys: ["old"] };
  const ours = verified(alice, [], {
    userSigningKey: alice.userSigningKey,
    identity: { masterKey: alice.master.publicKey, pinnedMasterKey: "first", signedBy: [] },
  });
  const store = (saving: DeviceList | undefined, known: Pins = { ...pins, masterKey: "first" }) =>
    storeOfAlice(
      [listKey(ALICE), { pins: known, ...(saving !== undefined && { saved: { revision: 7, list: saving } }) }],
      [OWN_IDENTITY, FORMER],
    );
  const MASTER = alice.master.publicKey;
  const acknowledgeOurs = (records: DeviceStore, changes: Partial<Acknowledgement> = {}) =>
    acknowledgeIn(records, { userId: ALICE, masterKey: MASTER, ...changes });
  const confirm = (records: DeviceStore, masterKey = MASTER) => acknowledgeOurs(records, { confirms: true, masterKey });
  const ownKeys = (records: DeviceStore) => saved(records, OWN_IDENTITY);
  const savedIdentity = (records: DeviceStore) =>
    (saved(records, listKey(ALICE)) as { saved: { list: DeviceList } }).saved.list.identity;

  describe("acknowledged", () => {
    it("is unchanged, and confirms nothing: our user-signing key does not count", () => {
      const records = store(ours);
      acknowledgeOurs(records);
      expect(savedIdentity(records)).toEqual({ ...ours.identity, pinnedMasterKey: MASTER });
      expect(ownKeys(records)).toEqual({ userSigningKey: undefined, userSigningKeys: ["old"] });
    });

    it("stays confirmed if it was", () => {
      const records = store(ours);
      confirm(records);
      const before = saved(records, listKey(ALICE));
      acknowledgeOurs(records);
      expect(saved(records, listKey(ALICE))).toEqual(before);
      expect(ownKeys(records)).toMatchObject({ userSigningKey: OUR_KEY });
    });
  });

  describe("confirmed", () => {
    it("is pinned as verified, and makes our user-signing key count", () => {
      const records = store(ours);
      confirm(records);
      expect(savedPins(records, ALICE)).toMatchObject({ masterKey: MASTER, masterEvidence: "verified" });
      expect(historyOf(savedPins(records, ALICE))).toEqual(["confirmed master"]);
      expect(savedIdentity(records)).toEqual({ ...ours.identity, pinnedMasterKey: MASTER, confirmed: true });
      expect(ownKeys(records)).toEqual({ userSigningKey: OUR_KEY, userSigningKeys: ["old", OUR_KEY] });
    });

    it("is changed if the server gives another one", () => {
      const records = store({ ...ours, identity: { ...ours.identity, pinnedMasterKey: MASTER, confirmed: true } });
      expect(confirm(records, "true")).not.toHaveProperty("masterKey");
      expect(savedPins(records, ALICE)).toMatchObject({ masterKey: "true", masterEvidence: "verified" });
      expect(identityStatus(savedIdentity(records), undefined).state).toBe("changed");
      expect(savedIdentity(records)).not.toHaveProperty("confirmed");
      expect(ownKeys(records)).toEqual({ userSigningKey: undefined, userSigningKeys: ["old"] });
    });

    it("needs no list", () => {
      const records = storeOfAlice();
      expect(confirm(records)).toEqual({ list: undefined });
      expect(savedPins(records, ALICE)).toMatchObject({ masterKey: MASTER, masterEvidence: "verified" });
      expect(ownKeys(records)).toBeUndefined();
    });

    it("is nothing to do again, with a list or without", () => {
      for (const records of [store(ours), storeOfAlice()]) {
        confirm(records);
        expect(confirm(records)).toBe("nothing-to-do");
      }
    });

    it("makes pins complete that were confirmed before, and lost", () => {
      const known: Pins = { ...LOST_PINS, masterKey: MASTER, masterEvidence: "verified" };
      const uncompared: DeviceList = {
        ...ours,
        identity: { ...ours.identity, pinnedMasterKey: MASTER, confirmed: true, uncompared: true },
      };
      const records = store(uncompared, known);
      confirm(records);
      expect(savedPins(records, ALICE)).not.toHaveProperty("incomplete");
      expect(identityStatus(savedIdentity(records), undefined).state).toBe("unchanged");
      expect(ownKeys(records)).toMatchObject({ userSigningKey: OUR_KEY });
    });
  });

  it("has no user-signing key if our list has none, or no list is saved", () => {
    const { userSigningKey: _, ...without } = ours;
    for (const records of [store(without), store(undefined)]) {
      confirm(records);
      expect(ownKeys(records)).toEqual({ userSigningKey: undefined, userSigningKeys: ["old"] });
    }
  });
});
