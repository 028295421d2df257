import { describe, expect, it } from "vitest";
import { MAX_CLAIMS_OF_ONE_KEY } from "../../src/keys/limits.js";
import { compactIndex } from "../../src/lists/compact-index.js";
import { DeviceIndex } from "../../src/lists/device-index.js";
import { StoreClearedError } from "../../src/model/errors.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { emptyClone } from "../../src/store/clone.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { indexKey, listKey } from "../../src/store/records.js";
import { writeSnapshot } from "../../src/store/snapshot.js";
import { inStore } from "../store/in-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { put, saved } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { HEAD_4, saveAll, storeOnHead4, toSave } from "./save-in.js";
import { bob, carol, keyOf, phone, tablet, verified } from "./verified-lists.js";

const KEY = keyOf(phone, "curve25519");
/** A device of Carol's that claims the key of Bob's phone. */
const claiming = carol.device("CLAIMING", { curve25519: KEY });

function indexIn(store: DeviceStore, tracked: readonly UserId[] = [BOB, CAROL], refusesUnsigned = false) {
  const log: StoreLog = { reads: [], writes: [] };
  let isOurs = true;
  const index = new DeviceIndex({
    store: countingStore(log, store),
    isOurs: (owner) => isOurs && owner !== undefined,
    isTracked: (userId) => tracked.includes(userId),
    refusesUnsigned,
  });
  const find = (publicKey = KEY, algorithm: "curve25519" | "ed25519" = "curve25519") => {
    const found: string[][] = [];
    const errors: unknown[] = [];
    index.claimants(algorithm, publicKey).subscribe({
      next: (claimants) => found.push(claimants.map(({ userId, deviceId }) => `${localpart(userId)} ${deviceId}`)),
      error: (error: unknown) => errors.push(error),
    });
    if (errors.length > 0) throw errors[0];
    return found[0];
  };
  return { find, log, clear: () => (isOurs = false) };
}

const saveDevices = (store: DeviceStore, account: typeof bob, ...devices: readonly DeviceKeys[]) =>
  saveAll(store, new Map([[account.userId, toSave(verified(account, devices), { forced: true })]]));

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
    put(store, [indexKey(9), [[CAROL, "FORGED", KEY, "another key"]]]);
    expect(indexIn(store).find()).toEqual(["bob PHONE"]);
    put(store, [listKey(BOB), "?"]);
    expect(indexIn(store).find()).toEqual([]);
  });

  it("does not find unsigned devices that were saved before they were refused", () => {
    const store = storeOnHead4();
    const unsigned = { signedByItself: false, crossSigned: false, dehydrated: false };
    const list = verified(bob, [phone], { deviceStatus: new Map([["PHONE", unsigned]]) });
    saveAll(store, new Map([[BOB, toSave(list)]]));
    expect(indexIn(store).find()).toEqual(["bob PHONE"]);
    expect(indexIn(store, [BOB], true).find()).toEqual([]);
  });

  it("returns a few claimants of one user, and looks at a few users", () => {
    const many = Array.from({ length: 20 }, (_, i) => `D${i}`);
    const store = storeOnHead4();
    put(
      store,
      [indexKey(5), [...many.map((id) => [BOB, id, KEY]), ...crowd(20).map((userId) => [userId, "D", KEY])]],
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

  it("goes without records that are damaged", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    put(store, [indexKey(5), "?"]);
    expect(indexIn(store).find()).toEqual(["carol CLAIMING"]);
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

/** Folds the log into a snapshot, of these tracked users. */
function snapshot(store: DeviceStore, tracked: readonly UserId[]): void {
  const clone = emptyClone(ALICE);
  for (const userId of tracked) clone.users.set(userId, { revision: { number: 4 }, outdated: false, hasList: true });
  inStore(store, (records) => writeSnapshot(records, { ...clone, ...HEAD_4 }, compactIndex));
}

describe("compacting the index", () => {
  it("folds all records into one, as later ones override earlier ones", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone, tablet);
    saveDevices(store, carol, claiming);
    saveDevices(store, bob, phone);
    snapshot(store, [BOB, CAROL]);
    expect(saved(store, ["index", "s0"])).toEqual([
      [BOB, "PHONE", KEY, keyOf(phone, "ed25519")],
      [CAROL, "CLAIMING", KEY, keyOf(claiming, "ed25519")],
    ]);
    expect([5, 6, 7].map((position) => saved(store, indexKey(position)))).toEqual([undefined, undefined, undefined]);
    expect(indexIn(store).find()).toEqual(["bob PHONE", "carol CLAIMING"]);
  });

  it("leaves out users who are not tracked any more", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    snapshot(store, [CAROL]);
    expect(saved(store, ["index", "s0"])).toEqual([[CAROL, "CLAIMING", KEY, keyOf(claiming, "ed25519")]]);
  });

  it("loses no device of a user who is tracked again, with the same list as before", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    snapshot(store, []);
    saveDevices(store, bob, phone);
    expect(indexIn(store).find()).toEqual(["bob PHONE"]);
  });

  it("goes on from the last time, and deletes records that are not needed any more", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    snapshot(store, [BOB]);
    saveDevices(store, bob);
    snapshot(store, [BOB]);
    expect(saved(store, ["index", "s0"])).toBeUndefined();
    expect(indexIn(store).find()).toEqual([]);
  });

  it("has 5,000 devices to a record", () => {
    const store = storeOnHead4();
    put(store, [indexKey(5), crowd(12_000).map((userId) => [userId, "D", KEY])]);
    saveDevices(store, bob, phone);
    put(store, [indexKey(5), crowd(12_000).map((userId) => [userId, "D", KEY])]);
    snapshot(store, crowd(12_000));
    const sizes = [0, 1, 2].map((i) => (saved(store, ["index", `s${i}`]) as unknown[]).length);
    expect(sizes).toEqual([5_000, 5_000, 2_000]);
  });
});
