import { describe, expect, it } from "vitest";
import { readIndex, toIndexRecord } from "../../src/lists/index-record.js";
import { indexKey } from "../../src/store/records.js";
import { put, saved } from "../support/saved.js";
import { BOB, CAROL, crowd } from "../support/users.js";
import { storeOnHead4 } from "./save-in.js";
import { claiming, indexIn, KEY, saveDevices, snapshot } from "./index-in.js";
import { bob, carol, keyOf, phone, tablet } from "./verified-lists.js";

describe("compacting the index", () => {
  it("folds all records into one, as later ones override earlier ones", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone, tablet);
    saveDevices(store, carol, claiming);
    saveDevices(store, bob, phone);
    snapshot(store, [BOB, CAROL]);
    expect(readIndex(saved(store, ["index", "s0"]))).toEqual([
      [BOB, "PHONE", KEY, keyOf(phone, "ed25519")],
      [CAROL, "CLAIMING", KEY, keyOf(claiming, "ed25519")],
    ]);
    expect([5, 6, 7].map((position) => saved(store, indexKey(position)))).toEqual([undefined, undefined, undefined]);
    expect(indexIn(store).find()).toEqual(["bob PHONE", "carol CLAIMING"]);
  });

  it("keeps users who are not tracked: they may come back", () => {
    const store = storeOnHead4();
    saveDevices(store, bob, phone);
    saveDevices(store, carol, claiming);
    snapshot(store, [CAROL]);
    expect(indexIn(store).find()).toEqual(["bob PHONE", "carol CLAIMING"]);
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
    const claims = toIndexRecord(crowd(12_000).map((userId) => [userId, "D", KEY]));
    put(store, [indexKey(5), claims]);
    saveDevices(store, bob, phone);
    put(store, [indexKey(5), claims]);
    snapshot(store, crowd(12_000));
    const sizes = [0, 1, 2].map((i) => readIndex(saved(store, ["index", `s${i}`]))?.length);
    expect(sizes).toEqual([5_000, 5_000, 2_000]);
  });
});
