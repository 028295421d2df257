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

const savedBob = (record: unknown = { pins, saved: { revision: 7, list } }): DeviceStore =>
  storeOfAlice([listKey(BOB), record], [OWN_IDENTITY, { userSigningKey: "ours" }]);

/** Acknowledges the second master key of Bob. */
const acknowledgeIn = (store: DeviceStore, changes: Partial<Acknowledgement> = {}): Acknowledged => {
  const acknowledgement = { userId: BOB, masterKey: KEY, ownUserId: ALICE, inMemory: undefined, ...changes };
  return inStore(
    store,
    (records) => acknowledge(records, { head: 0, position: 0, by: "other" }, acknowledgement),
    acknowledgeKeys(acknowledgement.userId),
  );
};

describe("acknowledging a master key", () => {
  it("pins it instead of the first one, in the list as well, and leaves the rest", () => {
    const store = savedBob();
    expect(acknowledgeIn(store)).toEqual({ list: acknowledged });
    expect(saved(store, listKey(BOB))).toEqual({
      pins: { ...pins, masterKey: KEY },
      saved: { revision: 7, list: acknowledged },
    });
    expect(saved(store, OWN_IDENTITY)).toEqual({ userSigningKey: "ours" });
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
    expect(saved(store, listKey(BOB))).toEqual({
      pins: { ...pins, masterKey: KEY },
      saved: { revision: 7, list: acknowledged },
    });
  });

  it("changes nothing if it is pinned already", () => {
    const record = { pins: { ...pins, masterKey: KEY }, saved: { revision: 7, list: acknowledged } };
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
    expect(saved(store, listKey(BOB))).toEqual({ pins: { ...pins, masterKey: KEY } });
  });

  it("pins it although nothing is saved of the user", () => {
    const store = storeOfAlice();
    acknowledgeIn(store);
    expect(saved(store, listKey(BOB))).toEqual({ pins: { devices: new Map(), masterKey: KEY } });
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

describe("acknowledging our own identity", () => {
  const alice = signedAccount(ALICE, "second");
  const ours = verified(alice, [], {
    userSigningKey: alice.userSigningKey,
    identity: { masterKey: alice.master.publicKey, pinnedMasterKey: "first", signedBy: [] },
  });
  const store = (saving: DeviceList | undefined) =>
    storeOfAlice(
      [listKey(ALICE), saving === undefined ? undefined : { pins, saved: { revision: 7, list: saving } }],
      [OWN_IDENTITY, { userSigningKey: "old" }],
    );
  const acknowledgeOurs = (records: DeviceStore) => {
    acknowledgeIn(records, { userId: ALICE, masterKey: alice.master.publicKey });
    return saved(records, OWN_IDENTITY);
  };

  it("makes our user-signing key count again", () => {
    expect(acknowledgeOurs(store(ours))).toEqual({ userSigningKey: alice.userSigning.publicKey });
  });

  it("leaves no user-signing key if our list has none, or no list is saved", () => {
    const { userSigningKey: _, ...without } = ours;
    expect(acknowledgeOurs(store(without))).toBeUndefined();
    expect(acknowledgeOurs(store(undefined))).toBeUndefined();
  });
});
