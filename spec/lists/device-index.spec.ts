import { describe, expect, it } from "vitest";
import { MAX_CLAIMS_OF_ONE_KEY } from "../../src/keys/limits.js";
import { StoreClearedError } from "../../src/model/errors.js";
import { indexKey, listKey } from "../../src/store/records.js";
import { indexEntries, toIndexRecord, type IndexEntry } from "../../src/lists/index-record.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceStatus } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { put } from "../support/saved.js";
import { signedAccount, type SignedAccount } from "../support/signed-account.js";
import { BOB, CAROL, crowd } from "../support/users.js";
import { saveAll, storeOnHead4, toSave } from "./save-in.js";
import { bob, carol, keyOf, phone, tablet, verified } from "./verified-lists.js";

import { claiming, indexIn, KEY, saveDevices, snapshot } from "./index-in.js";
const claim = (userId: UserId, deviceId = "D"): IndexEntry => [userId, deviceId, KEY];

describe("finding a device", () => {
  it("finds it by both of its keys, each under its own algorithm", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone, tablet);
    const { find } = indexIn(store);
    expect(find()).toEqual(["bob PHONE"]);
    expect(find(keyOf(tablet, "ed25519"), "ed25519")).toEqual(["bob TABLET"]);
    expect(find(KEY, "ed25519")).toEqual([]);
    expect(find("no one's key")).toEqual([]);
  });

  it("finds every claimant of a key", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    expect(indexIn(store).find()).toEqual(["bob PHONE", "carol CLAIMING"]);
  });

  it("follows devices that come, change their key and go", () => {
    const store = storeOnHead4();
    const { find } = indexIn(store);
    expect(find()).toEqual([]);
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    expect(find()).toEqual(["bob PHONE", "carol CLAIMING"]);
    saveDevices(store, carol, carol.device("CLAIMING", { curve25519: keyOf(tablet, "curve25519") }));
    expect(find()).toEqual(["bob PHONE"]);
    saveDevices(store, bob);
    expect(find()).toEqual([]);
  });

  it("does not find devices of users who are not tracked", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    expect(indexIn(store, [CAROL]).find()).toEqual([]);
  });

  it("believes the lists, not the index", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    put(store, [indexKey(9), toIndexRecord([[CAROL, "FORGED", KEY, "another key"]])]);
    expect(indexIn(store).find()).toEqual(["bob PHONE"]);
    put(store, [listKey(BOB), "?"]);
    expect(indexIn(store).find()).toEqual([]);
  });

  it("does not find unsigned devices", () => {
    const saveWith = (signatures: Pick<DeviceStatus, "signedByItself" | "crossSigned">) => {
      const store = storeOnHead4();
      const deviceStatus = new Map([["PHONE", { ...signatures, dehydrated: false }]]);
      saveAll(store, new Map([[BOB, toSave(verified(bob, [phone], { deviceStatus }))]]));
      return store;
    };
    const unsigned = saveWith({ signedByItself: false, crossSigned: false });
    expect(indexIn(unsigned).find()).toEqual([]);
    put(unsigned, [indexKey(9), toIndexRecord([[BOB, "PHONE", KEY]])]); // saved by a version that had them in the index
    expect(indexIn(unsigned).find()).toEqual([]);
    const byOwner = saveWith({ signedByItself: false, crossSigned: true });
    expect(indexIn(byOwner).find()).toEqual(["bob PHONE"]);
  });

  it("does not find a device any more that has lost its signatures", () => {
    const unsigned = { signedByItself: false, crossSigned: false, dehydrated: false };
    const after = verified(bob, [phone, tablet], { deviceStatus: new Map([["PHONE", unsigned]]) });
    expect(indexEntries(BOB, verified(bob, [phone]), after)).toEqual([[BOB, "PHONE"]]);
  });

  it("returns a few claimants of one user, and looks at a few users", () => {
    const many = Array.from({ length: 20 }, (_, i) => `D${i}`);
    const store = storeOnHead4();
    put(
      store,
      [indexKey(5), toIndexRecord([...many.map((id) => claim(BOB, id)), ...crowd(20).map((userId) => claim(userId))])],
      [
        listKey(BOB),
        {
          pins: { devices: new Map() },
          saved: {
            revision: 4,
            list: verified(
              bob,
              many.map((id) => bob.device(id, { curve25519: KEY })),
            ),
          },
        },
      ],
    );
    const { find, log } = indexIn(store, [BOB, ...crowd(20)]);
    expect(find()).toHaveLength(MAX_CLAIMS_OF_ONE_KEY);
    expect(log.reads.at(-1)).toHaveLength(1 + 16);
  });
});

describe("a key that many users claim", () => {
  const liars = crowd(2_000);
  const claims = toIndexRecord(liars.map((userId) => claim(userId)));
  /** The saved list of a liar who has a device with the key. */
  const listOfLiar = (userId: UserId) => [listKey(userId), recordOf(signedAccount(userId), "D")] as const;
  const recordOf = (account: SignedAccount, ...ids: readonly string[]) => ({
    pins: { devices: new Map() },
    saved: {
      revision: 4,
      list: verified(
        account,
        ids.map((id) => account.device(id, { curve25519: KEY })),
      ),
    },
  });
  const bobAmong = (...records: Parameters<typeof put>[1][]) => {
    const store = storeOnHead4();
    put(store, ...records);
    saveDevices(store, bob, phone);
    return indexIn(store, [BOB, ...liars]);
  };

  it("is never found at one of them alone", () => {
    // The first few are gone; those who follow have no such device, but for one.
    const gone = toIndexRecord(liars.slice(0, 16).map((userId) => [userId, "D"]));
    const { find } = bobAmong([indexKey(3), claims], [indexKey(4), gone], listOfLiar(liars[20]!));
    expect(find()).toEqual(["user20 D", "bob PHONE"]);
  });

  it("costs one read of a few lists", () => {
    const { find, log } = bobAmong([indexKey(3), claims], ...liars.slice(0, 20).map(listOfLiar));
    expect(find()).toHaveLength(16);
    expect(log.reads).toHaveLength(2);
    expect(log.reads.at(-1)).toHaveLength(1 + 16);
  });

  it("costs no look at the other devices of a list", () => {
    class Watched<K, V> extends Map<K, V> {
      override [Symbol.iterator](): MapIterator<[K, V]> {
        throw new Error("all devices are looked at");
      }
    }
    const record = recordOf(signedAccount(liars[0]!), "D", "OTHER");
    const { deviceKeys } = record.saved.list;
    const watched = new Watched<string, DeviceKeys>();
    deviceKeys.forEach((device, deviceId) => watched.set(deviceId, device));
    const list = { ...record.saved.list, deviceKeys: watched };
    const { find } = bobAmong(
      [indexKey(3), toIndexRecord([claim(liars[0]!)])],
      [listKey(liars[0]!), { ...record, saved: { ...record.saved, list } }],
    );
    expect(find()).toEqual(["user0 D", "bob PHONE"]);
  });
});

describe("the index in memory", () => {
  it("is read once, and then only what was appended", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    const { find, log } = indexIn(store);
    find();
    expect(log.reads).toEqual([
      ["account/*", "index/*"],
      ["account/owner", `list/${BOB}`],
    ]);
    log.reads.length = 0;
    find("no one's key");
    expect(log.reads).toEqual([["account/owner", "account/sync"]]);
    log.reads.length = 0;
    saveDevices(store, carol, claiming);
    expect(find()).toEqual(["bob PHONE", "carol CLAIMING"]);
    expect(log.reads.slice(0, 2)).toEqual([["account/owner", "account/sync"], ["index/6"]]);
  });

  it("is read anew if the log was truncated beyond what it knows", () => {
    const store = storeOnHead4();
    const { find } = indexIn(store);
    find();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    snapshot(store, [BOB, CAROL]);
    saveDevices(store, bob);
    expect(find()).toEqual(["carol CLAIMING"]);
  });

  it("is made from the lists if a record is damaged, and reports it", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    put(store, [indexKey(5), "?"]);
    const { find, problems } = indexIn(store);
    expect(find()).toEqual(["carol CLAIMING", "bob PHONE"]);
    expect(problems).toMatchObject([{ type: "records-damaged", kind: "index", ids: ["5"] }]);
  });

  it("cannot be used after the store was cleared", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    const { find, clear } = indexIn(store);
    find();
    clear();
    expect(() => find()).toThrow(StoreClearedError);
  });
});
