import { describe, expect, it } from "vitest";
import { savePins, type ListToSave } from "../../src/lists/save-lists.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { listKey, SYNC } from "../../src/store/records.js";
import { emptyList } from "../../src/trust/device-list.js";
import { identityStatus } from "../../src/trust/identity.js";
import { LOST_PINS, NO_PINS, type Pins } from "../../src/trust/pins.js";
import { put, saved } from "../support/saved.js";
import { signedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";
import { inStore } from "../store/in-store.js";
import { historyOf, keysOf } from "../trust/pinned-lists.js";
import { saveBob, storeOnHead4 } from "./save-in.js";
import { bob, keyOf, phone, pinsFor, selfSigned, swapped, tablet, verified } from "./verified-lists.js";

const savedPins = (store: DeviceStore): Pins | undefined =>
  (saved(store, listKey(BOB)) as { pins?: Pins } | undefined)?.pins;
const savedKeys = (store: DeviceStore): Pins => keysOf(savedPins(store) ?? NO_PINS);

describe("the pins of a saved list", () => {
  it("are written beside it", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone, tablet]));
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone, tablet));
    expect(historyOf(savedPins(store) ?? NO_PINS)).toEqual([
      "first-seen master",
      "first-seen self-signing",
      "first-seen PHONE",
      "first-seen TABLET",
    ]);
  });

  it("are returned", () => {
    expect(keysOf(saveBob(storeOnHead4(), verified(bob, [phone])).pins)).toEqual(pinsFor(bob, phone));
    expect(saveBob(storeOnHead4(), emptyList(5)).pins).toEqual(NO_PINS);
  });
});

describe("the pins of a list that is not saved", () => {
  it.each<[string, DeviceStore, Partial<ListToSave>]>([
    ["superseded, or of a user who is not tracked", storeOnHead4(), { revision: undefined }],
    ["refused", storeOnHead4([SYNC, "?"]), {}],
  ])("are written all the same: one that is %s", (_, store, changes) => {
    saveBob(store, verified(bob, [phone]), changes);
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone));
    expect(saved(store, listKey(BOB))).not.toHaveProperty("saved");
  });

  it("are compared with what was pinned", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone]));
    const before = saved(store, listKey(BOB));
    const { list, pins } = saveBob(store, selfSigned(bob, [swapped]), { revision: undefined });
    expect([...list.deviceKeys.values()]).toEqual([phone]);
    expect(list.rejected.get("PHONE")?.code).toBe("key-changed");
    expect(saved(store, listKey(BOB))).toEqual({ ...(before as object), pins });
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone));
  });
});

describe("a device with another ed25519 key", () => {
  it("is refused and kept as it was, if the saved list has it", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone, tablet]));
    const { list } = saveBob(store, selfSigned(bob, [swapped]), { forced: true });
    expect([...list.deviceKeys.values()]).toEqual([phone]);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { list: { deviceKeys: list.deviceKeys } } });
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone, tablet));
  });

  it("is saved if the user's pinned identity has signed it, and retires the former key", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone]));
    const { list } = saveBob(store, verified(bob, [swapped]), { forced: true });
    expect([...list.deviceKeys.values()]).toEqual([swapped]);
    expect(savedKeys(store)).toEqual(pinsFor(bob, swapped));
    const again = saveBob(store, verified(bob, [phone]), { forced: true }).list;
    expect([...again.deviceKeys.values()]).toEqual([swapped]);
    expect(again.rejected.get("PHONE")?.code).toBe("key-changed");
  });

  it("is refused after it was deleted, and after its user's list is gone", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone]));
    saveBob(store, verified(bob, []), { forced: true });
    const refusal = () => saveBob(store, selfSigned(bob, [swapped]), { forced: true }).list.rejected.get("PHONE")?.code;
    expect(refusal()).toBe("key-changed");
    put(store, [listKey(BOB), { pins: savedPins(store) }]);
    expect(refusal()).toBe("key-changed");
    expect(saveBob(store, verified(bob, [phone]), { forced: true }).list.rejected.size).toBe(0);
  });
});

describe("a master key", () => {
  it("is compared with the first one, which stays pinned", () => {
    const renewed = signedAccount(BOB, "renewed");
    const store = storeOnHead4();
    saveBob(store, verified(bob, []));
    const { list, update } = saveBob(store, verified(renewed, []), { forced: true });
    const keys = { masterKey: renewed.master.publicKey, pinnedMasterKey: bob.master.publicKey };
    expect(list.identity).toEqual({ ...keys, signedBy: [] });
    expect(update?.identity).toEqual({
      ...keys,
      state: "changed",
      verified: false,
      wasVerified: false,
      collisions: [],
    });
    expect(savedKeys(store)).toEqual(pinsFor(bob));
    expect(historyOf(savedPins(store) ?? NO_PINS)).toContain("shown master");
  });
});

describe("pins that could not be saved before", () => {
  it("are written with the next list, after those that are saved", () => {
    const laptop = bob.device("LAPTOP");
    const pinned: Pins = {
      devices: new Map([
        ["PHONE", "a later key"],
        ["LAPTOP", "another key"],
      ]),
      masterKey: "a later key",
    };
    const store = storeOnHead4([listKey(BOB), { pins: pinsFor(bob, phone) }]);
    const { list } = saveBob(store, selfSigned(bob, [phone, laptop]), { pinned });
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE"]);
    expect(list.rejected.get("LAPTOP")?.code).toBe("key-changed");
    expect(savedPins(store)).toMatchObject({
      devices: new Map([
        ["PHONE", keyOf(phone, "ed25519")],
        ["LAPTOP", "another key"],
      ]),
      masterKey: bob.master.publicKey,
    });
  });
});

describe("pins of lists that were not compared with the saved ones", () => {
  const savePinsOf = (store: DeviceStore, pins: Pins) => {
    inStore(store, (records) => savePins(records, new Map([[BOB, pins]])), [listKey(BOB)]);
  };

  it("are added to those that are saved, which count where the two differ", () => {
    const record = { pins: pinsFor(bob, phone), saved: { revision: 4, list: verified(bob, [phone]) } };
    const store = storeOnHead4([listKey(BOB), record]);
    savePinsOf(store, { ...pinsFor(bob, swapped, tablet), masterKey: "another", incomplete: true });
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone, tablet));
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: record.saved });
  });

  it("are the first ones of a user of whom nothing is saved, and complete", () => {
    const store = storeOnHead4();
    savePinsOf(store, { ...pinsFor(bob, phone), incomplete: true });
    expect(savedKeys(store)).toEqual(pinsFor(bob, phone));
    expect(saved(store, listKey(BOB))).not.toHaveProperty("saved");
  });
});

describe("damaged pins", () => {
  const damaged = { pins: "?", saved: { revision: 3, list: verified(bob, [phone]) } };

  it("are made anew from the saved list, and reported", () => {
    const store = storeOnHead4([listKey(BOB), damaged]);
    const { list, pinsDamaged } = saveBob(store, verified(bob, [swapped, tablet]));
    expect(pinsDamaged).toBe(true);
    expect([...list.deviceKeys.values()]).toEqual([phone, tablet]); // an identity that cannot be compared replaces no key
    expect(savedPins(store)?.devices).toEqual(pinsFor(bob, phone, tablet).devices);
  });

  it("leave the identity unknown, in later answers too", () => {
    const store = storeOnHead4([listKey(BOB), damaged]);
    const state = () => {
      const { list } = saveBob(store, verified(bob, [phone]), { forced: true });
      return identityStatus(list.identity, undefined).state;
    };
    expect([state(), state()]).toEqual(["unknown", "unknown"]);
  });

  it("are not forgotten to be damaged if the answer has nothing to pin", () => {
    const store = storeOnHead4([listKey(BOB), "?"]);
    saveBob(store, emptyList(5), { revision: undefined });
    expect(savedPins(store)).toEqual(LOST_PINS);
  });

  it("are mended even if the list is not saved", () => {
    const store = storeOnHead4([listKey(BOB), damaged]);
    expect(saveBob(store, verified(bob, [phone]), { revision: undefined }).pinsDamaged).toBe(true);
    expect(saveBob(store, verified(bob, [phone]), { revision: undefined }).pinsDamaged).toBe(false);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { revision: 3 } });
  });
});
