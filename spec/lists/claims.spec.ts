import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { MAX_CLAIMS_OF_ONE_KEY } from "../../src/keys/limits.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { claimKeys, readClaims, updateClaims, type ListChange } from "../../src/lists/claims.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { claimsKey } from "../../src/store/records.js";
import { RecordsMissing, SavedRecords } from "../../src/store/saved-records.js";
import { keyPair, signedAccount, type SignedAccount } from "../support/signed-account.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

const bob = signedAccount(BOB);
const carol = signedAccount(CAROL);
const [phone, tablet] = [bob.device("PHONE"), bob.device("TABLET")];
const key = (device: DeviceKeys, algorithm: "curve25519" | "ed25519" = "curve25519") =>
  claimsKey(algorithm, device.keys[`${algorithm}:${device.device_id}`] ?? "");
/** A device of Carol's that says Bob's phone's key is its own. */
const claiming = carol.device("CLAIMING", { curve25519: key(phone)[1] });
const list = (...devices: readonly DeviceKeys[]): DeviceList => ({
  ...emptyList(1),
  deviceKeys: new Map(devices.map((device) => [device.device_id, device])),
});
const change = (userId: string, before: DeviceList | undefined, after: DeviceList | undefined): ListChange => ({
  userId,
  before,
  after,
});
const named = ([kind, id]: RecordKey) => `${kind}/${id}`;

/** Makes the changes one after the other, each in a transaction of its own with the records it names; the index afterwards. */
function index(...changes: readonly ListChange[]): ReadonlyMap<string, unknown> {
  const saved = new Map<string, unknown>();
  for (const one of changes) {
    const keys = claimKeys(one);
    const records = new SavedRecords(
      keys,
      keys.map((name) => saved.get(named(name))),
    );
    updateClaims(records, [one]);
    const { puts, deletes } = records.update(undefined);
    for (const [name, record] of puts) saved.set(named(name), record);
    for (const name of deletes) saved.delete(named(name));
  }
  return saved;
}
const claimants = (records: ReadonlyMap<string, unknown>, name: RecordKey) =>
  readClaims(records.get(named(name))).map(({ userId, deviceId }) => `${userId} ${deviceId}`);

describe("updateClaims", () => {
  it("has both keys of each device of a list that comes", () => {
    const records = index(change(BOB, undefined, list(phone, tablet)));
    expect(records.size).toBe(4);
    for (const device of [phone, tablet]) {
      for (const algorithm of ["curve25519", "ed25519"] as const)
        expect(claimants(records, key(device, algorithm))).toEqual([`${BOB} ${device.device_id}`]);
    }
  });

  it("keeps algorithms apart", () => {
    const records = index(change(BOB, undefined, list(phone)));
    expect(claimants(records, claimsKey("ed25519", key(phone)[1]))).toEqual([]);
  });

  it("has none of a list that goes, and leaves no record", () => {
    expect(index(change(BOB, undefined, list(phone, tablet)), change(BOB, list(phone, tablet), undefined))).toEqual(
      new Map(),
    );
  });

  it("follows devices that come and go, and a key that is another one", () => {
    const after = bob.device("PHONE", { curve25519: key(carol.device("X"))[1] });
    const records = index(change(BOB, undefined, list(phone, tablet)), change(BOB, list(phone, tablet), list(after)));
    expect(claimants(records, key(phone))).toEqual([]);
    expect(claimants(records, key(after))).toEqual([`${BOB} PHONE`]);
    expect(claimants(records, key(phone, "ed25519"))).toEqual([`${BOB} PHONE`]);
    expect(claimants(records, key(tablet))).toEqual([]);
    expect(records.size).toBe(2);
  });

  it("has every claimant of a key, of whatever user, whoever came first, and removes only the one that goes", () => {
    const both = [change(BOB, undefined, list(phone)), change(CAROL, undefined, list(claiming))];
    expect(claimants(index(...both), key(phone))).toEqual([`${BOB} PHONE`, `${CAROL} CLAIMING`]);
    expect(claimants(index(...both.toReversed()), key(phone)).toSorted()).toEqual([
      `${BOB} PHONE`,
      `${CAROL} CLAIMING`,
    ]);
    expect(claimants(index(...both, change(BOB, list(phone), list())), key(phone))).toEqual([`${CAROL} CLAIMING`]);
    expect(claimants(index(...both, change(CAROL, list(claiming), undefined)), key(phone))).toEqual([`${BOB} PHONE`]);
  });

  it("tells devices of one ID of several users apart", () => {
    const carols = carol.device("PHONE", { curve25519: key(phone)[1] });
    const records = index(
      change(BOB, undefined, list(phone)),
      change(CAROL, undefined, list(carols)),
      change(BOB, list(phone), undefined),
    );
    expect(claimants(records, key(phone))).toEqual([`${CAROL} PHONE`]);
  });

  it("has several claimants of one user, and removes only the one that goes", () => {
    const twin = bob.device("TWIN", { curve25519: key(phone)[1] });
    const records = index(change(BOB, undefined, list(phone, twin)));
    expect(claimants(records, key(phone))).toEqual([`${BOB} PHONE`, `${BOB} TWIN`]);
    expect(
      claimants(
        index(change(BOB, undefined, list(phone, twin)), change(BOB, list(phone, twin), list(twin))),
        key(phone),
      ),
    ).toEqual([`${BOB} TWIN`]);
  });

  it("follows a key that moves from one device to another of the same user", () => {
    const moved = bob.device("TABLET", { curve25519: key(phone)[1] });
    expect(
      claimants(index(change(BOB, undefined, list(phone)), change(BOB, list(phone), list(moved))), key(phone)),
    ).toEqual([`${BOB} TABLET`]);
  });

  it("names a claimant once, though the claim comes twice", () => {
    expect(
      claimants(index(change(BOB, undefined, list(phone)), change(BOB, undefined, list(phone))), key(phone)),
    ).toEqual([`${BOB} PHONE`]);
  });

  it("does several changes in one transaction", () => {
    const records = new SavedRecords(
      [...claimKeys(change(BOB, undefined, list(phone))), ...claimKeys(change(CAROL, undefined, list(claiming)))],
      [],
    );
    updateClaims(records, [change(BOB, undefined, list(phone)), change(CAROL, undefined, list(claiming))]);
    expect(readClaims(records.get(key(phone)))).toEqual([
      { userId: BOB, deviceId: "PHONE" },
      { userId: CAROL, deviceId: "CLAIMING" },
    ]);
  });

  it("remembers so many of one user's devices with one key and no more, others when those go, and every other user's", () => {
    const shared = keyPair("shared");
    const devices = (owner: SignedAccount) =>
      Array.from({ length: MAX_CLAIMS_OF_ONE_KEY + 2 }, (_, i) => owner.device(`D${i}`, { key: shared, signedBy: [] }));
    const name = claimsKey("ed25519", shared.publicKey);
    const bobs = change(BOB, undefined, list(...devices(bob)));
    const ofUser = (records: ReadonlyMap<string, unknown>, userId: string) =>
      claimants(records, name).filter((claimant) => claimant.startsWith(userId));
    expect(ofUser(index(bobs), BOB)).toHaveLength(MAX_CLAIMS_OF_ONE_KEY);
    const others = devices(bob).slice(1);
    expect(ofUser(index(bobs, change(BOB, list(...devices(bob)), list(...others))), BOB)).toEqual(
      others.slice(0, MAX_CLAIMS_OF_ONE_KEY).map((device) => `${BOB} ${device.device_id}`),
    );
    const both = index(
      bobs,
      change(CAROL, undefined, list(...devices(carol))),
      change(BOB, list(...devices(bob)), list()),
    );
    expect([claimants(both, name).length, ofUser(both, CAROL).length]).toEqual([
      MAX_CLAIMS_OF_ONE_KEY,
      MAX_CLAIMS_OF_ONE_KEY,
    ]);
  });

  it("touches no record where the keys are the same, whatever else has changed", () => {
    const renamed = { ...phone, unsigned: { device_display_name: "x" }, algorithms: [] };
    const same = change(BOB, list(phone, tablet), list(tablet, renamed));
    expect(claimKeys(same)).toEqual([]);
    const records = new SavedRecords([], []);
    updateClaims(records, [same]);
    expect(records.update(undefined).puts).toEqual([]);
  });

  it("asks for the records that it needs and has not got, all of them at once, and writes none before", () => {
    const records = new SavedRecords([key(phone)], []);
    const changes = [change(BOB, undefined, list(phone)), change(DAVE, list(tablet), undefined)];
    let thrown: unknown;
    try {
      updateClaims(records, changes);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RecordsMissing);
    expect((thrown as RecordsMissing).keys.map(named).toSorted()).toEqual(
      [key(phone, "ed25519"), key(tablet), key(tablet, "ed25519")].map(named).toSorted(),
    );
    expect(records.update(undefined)).toEqual({ puts: [], deletes: [], result: undefined });
  });

  it("passes over a device without a key", () => {
    expect(index(change(BOB, undefined, list(bob.device("BARE", { properties: { keys: {} } })))).size).toBe(0);
  });

  it.each(["__proto__", "constructor"])("has a device called %s like any other", (deviceId) => {
    const device = bob.device(deviceId);
    expect(claimants(index(change(BOB, undefined, list(device))), key(device))).toEqual([`${BOB} ${deviceId}`]);
    expect(index(change(BOB, undefined, list(device)), change(BOB, list(device), undefined)).size).toBe(0);
  });

  it("makes a damaged record anew", () => {
    const records = new SavedRecords(
      [key(phone), key(phone, "ed25519")],
      ["?", [null, { userId: CAROL, deviceId: "C" }]],
    );
    updateClaims(records, [change(BOB, undefined, list(phone))]);
    expect(readClaims(records.get(key(phone)))).toEqual([{ userId: BOB, deviceId: "PHONE" }]);
    expect(readClaims(records.get(key(phone, "ed25519")))).toEqual([
      { userId: CAROL, deviceId: "C" },
      { userId: BOB, deviceId: "PHONE" },
    ]);
  });
});

describe("readClaims", () => {
  it.each<[string, unknown]>([
    ["no record", undefined],
    ["null", null],
    ["a claimant that is in no list", { userId: BOB, deviceId: "PHONE" }],
    [
      "claimants without a user or a device",
      [{ userId: BOB }, { deviceId: "PHONE" }, { userId: 5, deviceId: "PHONE" }, "x", null, []],
    ],
  ])("finds nobody in %s", (_, record) => {
    expect(readClaims(record)).toEqual([]);
  });
});
