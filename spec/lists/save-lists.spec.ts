import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { pinsOf, type Pins } from "../../src/trust/pins.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { claimsKey, EPOCH, listKey, OWN_IDENTITY, pinsKey, stateKey } from "../../src/store/records.js";
import { Revision } from "../../src/store/revision.js";
import { saveKeys, saveLists, type ListToSave, type SavedList } from "../../src/lists/save-lists.js";
import { RecordsMissing, SavedRecords } from "../../src/store/saved-records.js";
import { keyPair, signedAccount } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const list = emptyList(5);

/** Saves lists that answer these revisions over these records. */
function save(saved: readonly (readonly [RecordKey, unknown])[], asked: Readonly<Record<string, Revision>>) {
  const lists = new Map(Object.entries(asked).map(([user, revision]) => [user, { list, revision }]));
  const keys = saveKeys(lists);
  const find = ([kind, id]: RecordKey) =>
    saved.find(([[savedKind, savedId]]) => savedKind === kind && savedId === id)?.[1];
  const records = new SavedRecords([...keys], keys.map(find));
  const refused = new Map(
    Array.from(saveLists(records, lists, ALICE)).flatMap(([user, outcome]) =>
      outcome.refused === undefined ? [] : [[user, outcome.refused.saved] as const],
    ),
  );
  return { refused, puts: records.update(undefined).puts };
}

describe("saveLists", () => {
  it("saves where the store has exactly the revision that was known when the query was sent", () => {
    const { refused, puts } = save([[stateKey(BOB), { revision: 4, listed: 2 }]], { [BOB]: new Revision(4) });
    expect(refused).toEqual(new Map());
    expect(puts).toEqual([
      [stateKey(BOB), { revision: 4, listed: 4 }],
      [listKey(BOB), { revision: 4, list }],
    ]);
  });

  it.each([
    ["a greater one: another tab has applied a change", 5],
    ["a smaller one", 3],
  ])("refuses where the store has %s", (_, revision) => {
    const { refused, puts } = save([[stateKey(BOB), { revision, listed: revision }]], { [BOB]: new Revision(4) });
    expect(refused).toEqual(new Map([[BOB, { revision, outdated: false }]]));
    expect(puts).toEqual([]);
  });

  it("refuses where the user is not tracked any more", () => {
    expect(save([], { [BOB]: new Revision(4) })).toEqual({ refused: new Map([[BOB, undefined]]), puts: [] });
  });

  it("refuses where the step of the revision has not been committed", () => {
    expect(save([[stateKey(BOB), { revision: 4 }]], { [BOB]: new Revision() }).puts).toEqual([]);
  });

  it("refuses where everyone has become outdated since", () => {
    const { refused, puts } = save(
      [
        [stateKey(BOB), { revision: 4 }],
        [EPOCH, 6],
      ],
      { [BOB]: new Revision(4) },
    );
    expect(refused).toEqual(new Map([[BOB, { revision: 6, outdated: true }]]));
    expect(puts).toEqual([]);
  });

  it("saves what was asked since everyone became outdated, as answering that epoch", () => {
    const { puts } = save(
      [
        [stateKey(BOB), { revision: 4, listed: 4 }],
        [EPOCH, 6],
      ],
      { [BOB]: new Revision(6) },
    );
    expect(puts).toEqual([
      [stateKey(BOB), { revision: 4, listed: 6 }],
      [listKey(BOB), { revision: 6, list }],
    ]);
  });

  it("refuses for one user and saves for another", () => {
    const { refused, puts } = save(
      [
        [stateKey(BOB), { revision: 5 }],
        [stateKey(CAROL), { revision: 4 }],
      ],
      { [BOB]: new Revision(4), [CAROL]: new Revision(4) },
    );
    expect([...refused.keys()]).toEqual([BOB]);
    expect(puts.map(([[, id]]) => id)).toEqual([CAROL, CAROL]);
  });

  it("saves for our own user before any record says that they are tracked", () => {
    expect(save([], { [ALICE]: new Revision(0) }).puts).toEqual([
      [stateKey(ALICE), { revision: 0, listed: 0 }],
      [listKey(ALICE), { revision: 0, list }],
    ]);
  });

  it("saves nothing while the epoch is damaged", () => {
    expect(
      save(
        [
          [stateKey(BOB), { revision: 4 }],
          [EPOCH, "?"],
        ],
        { [BOB]: new Revision(4) },
      ).puts,
    ).toEqual([]);
  });

  it("saves nothing over a damaged state", () => {
    expect(save([[stateKey(BOB), "?"]], { [BOB]: new Revision(4) }).puts).toEqual([]);
  });
});

const alice = signedAccount(ALICE);
const bob = signedAccount(BOB);
const carol = signedAccount(CAROL);
const [phone, tablet] = [bob.device("PHONE"), bob.device("TABLET")];
const swapped = bob.device("PHONE", {
  key: keyPair("another phone"),
  curve25519: keyPair("another curve25519 key").publicKey,
});
const keyOf = (device: DeviceKeys, algorithm: "curve25519" | "ed25519") =>
  device.keys[`${algorithm}:${device.device_id}`] ?? "";
const claims = (device: DeviceKeys) => named(claimsKey("curve25519", keyOf(device, "curve25519")));
const named = ([kind, id]: RecordKey) => `${kind}/${id}`;
type Records = ReadonlyMap<string, unknown>;

/** A list as verification leaves it, of this account's master key. */
const verified = (
  account: typeof bob,
  devices: readonly DeviceKeys[],
  changes: Partial<DeviceList> = {},
): DeviceList => ({
  ...emptyList(5),
  deviceKeys: new Map(devices.map((device) => [device.device_id, device])),
  deviceStatus: new Map(
    devices.map((device) => [device.device_id, { signedByItself: true, crossSigned: true, dehydrated: false }]),
  ),
  masterKey: account.masterKey,
  selfSigningKey: account.selfSigningKey,
  identity: { masterKey: account.master.publicKey, signedBy: [] },
  ...changes,
});
const pins = (account: typeof bob, ...devices: readonly DeviceKeys[]): Pins => ({
  devices: new Map(devices.map((device) => [device.device_id, keyOf(device, "ed25519")])),
  masterKey: account.master.publicKey,
});
const tracked = (...users: readonly string[]): Records =>
  new Map(users.map((user) => [named(stateKey(user)), { revision: 4 }]));

/** Saves over these records, with further ones where the index of keys needs them: what became of it, and the records afterwards. */
function saveOver(
  before: Records,
  lists: ReadonlyMap<string, ListToSave>,
  also: readonly RecordKey[] = [],
): { readonly outcomes: ReadonlyMap<string, SavedList>; readonly after: Records } {
  const keys = [...saveKeys(lists), ...also];
  const records = new SavedRecords(
    keys,
    keys.map((key) => before.get(named(key))),
  );
  let outcomes: ReadonlyMap<string, SavedList>;
  try {
    outcomes = saveLists(records, lists, ALICE);
  } catch (error) {
    if (!(error instanceof RecordsMissing)) throw error;
    return saveOver(before, lists, [...also, ...error.keys]);
  }
  const after = new Map(before);
  const { puts, deletes } = records.update(undefined);
  for (const key of deletes) after.delete(named(key));
  for (const [key, record] of puts) after.set(named(key), record);
  return { outcomes, after };
}
const saveOne = (before: Records, user: string, toSave: ListToSave) => {
  const { outcomes, after } = saveOver(before, new Map([[user, toSave]]));
  return { outcome: outcomes.get(user), after };
};
const now = new Revision(4);

describe("saveLists and what was first seen of a user", () => {
  it("pins the keys of a list that is saved", () => {
    expect(
      saveOne(tracked(BOB), BOB, { list: verified(bob, [phone, tablet]), revision: now }).after.get(
        named(pinsKey(BOB)),
      ),
    ).toMatchObject(pins(bob, phone, tablet));
  });

  it.each<[string, Records, Revision | undefined]>([
    ["is superseded, or of a user who is not tracked", tracked(BOB), undefined],
    [
      "the store refuses, for another tab has applied a change",
      new Map([[named(stateKey(BOB)), { revision: 5 }]]),
      now,
    ],
    ["the store refuses, for the user is not tracked any more", new Map(), now],
  ])("pins the keys of a list, too, that %s, and saves nothing else of it", (_, before, revision) => {
    const { after } = saveOne(before, BOB, { list: verified(bob, [phone]), revision });
    expect(after).toEqual(
      new Map([...before, [named(pinsKey(BOB)), { ...pins(bob, phone), signed: new Set(["PHONE"]) }]]),
    );

    const next = saveOne(new Map([...after, ...tracked(BOB)]), BOB, { list: verified(bob, [swapped]), revision: now });
    expect(next.outcome?.list.rejected.get("PHONE")?.code).toBe("key-changed");
    expect(next.outcome?.list.deviceKeys.size).toBe(0);
    expect(next.after.get(named(pinsKey(BOB)))).toMatchObject(pins(bob, phone));
  });

  it("holds a list against them also where it is not to be saved", () => {
    const saved = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision: now }).after;
    const { outcome, after } = saveOne(saved, BOB, { list: verified(bob, [swapped]), revision: undefined });
    expect([...(outcome?.list.deviceKeys.values() ?? [])]).toEqual([phone]);
    expect(outcome?.list.rejected.get("PHONE")?.code).toBe("key-changed");
    expect(after).toEqual(saved);
  });

  it("keeps the device as it was where the saved list has it, and saves it so", () => {
    const saved = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone, tablet]), revision: now }).after;
    const { after } = saveOne(saved, BOB, { list: verified(bob, [swapped]), revision: now });
    expect(after.get(named(listKey(BOB)))).toMatchObject({ list: { deviceKeys: new Map([["PHONE", phone]]) } });
    expect([phone, swapped, tablet].map((device) => after.has(claims(device)))).toEqual([true, false, false]);
  });

  it("keeps the pins of a device that was deleted, and of a user whose list is gone", () => {
    let records = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision: now }).after;
    records = saveOne(records, BOB, { list: verified(bob, []), revision: now }).after;
    expect(
      saveOne(records, BOB, { list: verified(bob, [swapped]), revision: now }).outcome?.list.rejected.get("PHONE")
        ?.code,
    ).toBe("key-changed");
    const left = new Map([[named(pinsKey(BOB)), records.get(named(pinsKey(BOB)))], ...tracked(BOB)]);
    expect(
      saveOne(left, BOB, { list: verified(bob, [swapped]), revision: now }).outcome?.list.rejected.get("PHONE")?.code,
    ).toBe("key-changed");
    expect(saveOne(left, BOB, { list: verified(bob, [phone]), revision: now }).outcome?.list.rejected.size).toBe(0);
  });

  it("holds a master key against the first one, which stays", () => {
    const renewed = signedAccount(BOB, "new");
    const saved = saveOne(tracked(BOB), BOB, { list: verified(bob, []), revision: now }).after;
    const { outcome, after } = saveOne(saved, BOB, { list: verified(renewed, []), revision: now });
    expect(outcome?.list.identity).toEqual({
      masterKey: renewed.master.publicKey,
      pinnedMasterKey: bob.master.publicKey,
      signedBy: [],
    });
    expect(outcome?.update?.identity).toEqual({
      state: "changed",
      masterKey: renewed.master.publicKey,
      pinnedMasterKey: bob.master.publicKey,
      verified: false,
    });
    expect(after.get(named(pinsKey(BOB)))).toMatchObject(pins(bob));
  });

  it("writes what was pinned while the store failed, behind what was pinned before", () => {
    const pinned: Pins = {
      devices: new Map([
        ["PHONE", "later"],
        ["LAPTOP", "key"],
      ]),
      masterKey: "later",
    };
    const { outcome, after } = saveOne(new Map([...tracked(BOB), [named(pinsKey(BOB)), pins(bob, phone)]]), BOB, {
      list: verified(bob, [phone, bob.device("LAPTOP")]),
      revision: now,
      pinned,
    });
    expect(outcome?.list.rejected.get("LAPTOP")?.code).toBe("key-changed");
    expect([...(outcome?.list.deviceKeys.keys() ?? [])]).toEqual(["PHONE"]);
    expect(after.get(named(pinsKey(BOB)))).toMatchObject({
      devices: new Map([
        ["PHONE", keyOf(phone, "ed25519")],
        ["LAPTOP", "key"],
      ]),
      masterKey: bob.master.publicKey,
    });
  });

  it("makes damaged ones anew from the saved list, and says so", () => {
    const saved = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision: now });
    expect(saved.outcome?.pinsDamaged).toBe(false);
    const { outcome, after } = saveOne(new Map([...saved.after, [named(pinsKey(BOB)), "?"]]), BOB, {
      list: verified(signedAccount(BOB, "new"), [swapped, tablet]),
      revision: now,
    });
    expect(outcome?.pinsDamaged).toBe(true);
    expect([...(outcome?.list.deviceKeys.values() ?? [])]).toEqual([phone, tablet]);
    expect(after.get(named(pinsKey(BOB)))).toMatchObject(pins(bob, phone, tablet));
  });

  it("gives the pins, and writes none where there are none or nothing is new", () => {
    const empty = saveOne(tracked(BOB), BOB, { list, revision: now });
    expect(empty.outcome?.pins).toEqual(pinsOf(undefined));
    expect(empty.after.has(named(pinsKey(BOB)))).toBe(false);
    const saved = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision: now });
    expect(saved.outcome?.pins).toMatchObject(pins(bob, phone));
    expect(
      saveOne(saved.after, BOB, { list: verified(bob, [phone]), revision: now }).after.get(named(pinsKey(BOB))),
    ).toBe(saved.after.get(named(pinsKey(BOB))));
  });
});

describe("saveLists and what it tells", () => {
  const bobs = verified(bob, [phone]);

  it("says what a list that was saved changes, and nothing of an identical one", () => {
    const first = saveOne(tracked(BOB), BOB, { list: bobs, revision: now });
    expect(first.outcome?.update).toMatchObject({ userId: BOB, added: ["PHONE"], identity: { state: "unchanged" } });
    const second = saveOne(first.after, BOB, { list: verified(bob, [phone, tablet]), revision: now });
    expect(second.outcome?.update).toMatchObject({ added: ["TABLET"], removed: [] });
    expect(
      saveOne(second.after, BOB, { list: verified(bob, [tablet, phone], { fetchedAt: 9 }), revision: now }).outcome,
    ).not.toHaveProperty("update");
  });

  it("compares with the saved list, not with the one that was taken for it", () => {
    const first = saveOne(tracked(BOB), BOB, { list: bobs, revision: now });
    expect(saveOne(first.after, BOB, { list: bobs, revision: now, known: emptyList(1) }).outcome).not.toHaveProperty(
      "update",
    );
  });

  it("says nothing of a list that is not saved", () => {
    expect(saveOne(tracked(BOB), BOB, { list: bobs, revision: undefined }).outcome).not.toHaveProperty("update");
    expect(saveOne(new Map(), BOB, { list: bobs, revision: now }).outcome).not.toHaveProperty("update");
  });

  it("says whether we have verified an identity by our own saved user-signing key", () => {
    const signedByUs = verified(bob, [], {
      identity: { masterKey: bob.master.publicKey, signedBy: [alice.userSigning.publicKey] },
    });
    const verifiedBy = (userSigningKey: string) =>
      saveOne(new Map([...tracked(BOB), [named(OWN_IDENTITY), { userSigningKey }]]), BOB, {
        list: signedByUs,
        revision: now,
      }).outcome?.update?.identity?.verified;
    expect([verifiedBy(alice.userSigning.publicKey), verifiedBy("another")]).toEqual([true, false]);
  });

  it.each([[[ALICE, BOB]], [[BOB, ALICE]]])(
    "does so by the one that comes in the same answer, in whatever order (%s)",
    (order) => {
      const ours: ListToSave = {
        list: verified(alice, [], { userSigningKey: alice.userSigningKey }),
        revision: new Revision(0),
      };
      const theirs: ListToSave = {
        list: verified(bob, [], {
          identity: { masterKey: bob.master.publicKey, signedBy: [alice.userSigning.publicKey] },
        }),
        revision: now,
      };
      const { outcomes } = saveOver(tracked(BOB), new Map(order.map((user) => [user, user === ALICE ? ours : theirs])));
      expect(outcomes.get(BOB)?.update?.identity?.verified).toBe(true);
      expect([...outcomes.keys()]).toEqual(order);
    },
  );
});

describe("saveLists and our own user-signing key", () => {
  const ours = verified(alice, [], { userSigningKey: alice.userSigningKey });
  const zero = new Revision(0);
  const { userSigningKey: _, ...withoutKey } = ours;

  it("saves it with our own list, and with nobody else's", () => {
    expect(saveOne(new Map(), ALICE, { list: ours, revision: zero }).after.get(named(OWN_IDENTITY))).toEqual({
      userSigningKey: alice.userSigning.publicKey,
    });
    expect(
      saveOne(tracked(BOB), BOB, {
        list: verified(bob, [], { userSigningKey: bob.userSigningKey }),
        revision: now,
      }).after.has(named(OWN_IDENTITY)),
    ).toBe(false);
  });

  it("forgets it where our list has none any more, or our identity is another one", () => {
    const { after } = saveOne(new Map(), ALICE, { list: ours, revision: zero });
    expect(saveOne(after, ALICE, { list: withoutKey, revision: zero }).after.has(named(OWN_IDENTITY))).toBe(false);
    const renewed = signedAccount(ALICE, "new");
    expect(
      saveOne(after, ALICE, {
        list: verified(renewed, [], { userSigningKey: renewed.userSigningKey }),
        revision: zero,
      }).after.has(named(OWN_IDENTITY)),
    ).toBe(false);
  });

  it("leaves it where our list is not saved", () => {
    expect(saveOne(new Map(), ALICE, { list: ours, revision: undefined }).after.has(named(OWN_IDENTITY))).toBe(false);
    expect(saveOne(new Map(), ALICE, { list: ours, revision: now }).after.has(named(OWN_IDENTITY))).toBe(false);
  });
});

describe("saveLists and the index of keys", () => {
  it("has it follow the lists that are saved, every claimant of a key", () => {
    const claiming = carol.device("CLAIMING", { curve25519: keyOf(phone, "curve25519") });
    const { after } = saveOver(
      tracked(BOB, CAROL),
      new Map([
        [BOB, { list: verified(bob, [phone]), revision: now }],
        [CAROL, { list: verified(carol, [claiming]), revision: now }],
      ]),
    );
    expect(after.get(claims(phone))).toEqual([
      { userId: BOB, deviceId: "PHONE" },
      { userId: CAROL, deviceId: "CLAIMING" },
    ]);
    const next = saveOne(after, BOB, { list: verified(bob, [tablet]), revision: now }).after;
    expect(next.get(claims(phone))).toEqual([{ userId: CAROL, deviceId: "CLAIMING" }]);
    expect(next.get(claims(tablet))).toEqual([{ userId: BOB, deviceId: "TABLET" }]);
  });

  it("leaves it where a list is not saved", () => {
    for (const revision of [undefined, new Revision(3)])
      expect(saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision }).after.has(claims(phone))).toBe(
        false,
      );
  });

  it("names the records that it needs beforehand where the saved list is known", () => {
    const before = verified(bob, [phone]);
    const { after } = saveOne(tracked(BOB), BOB, { list: before, revision: now });
    const lists = new Map([[BOB, { list: verified(bob, [tablet]), revision: now, known: before }]]);
    const keys = saveKeys(lists);
    expect(() =>
      saveLists(
        new SavedRecords(
          keys,
          keys.map((key) => after.get(named(key))),
        ),
        lists,
        ALICE,
      ),
    ).not.toThrow();
    expect(keys.map(named)).toEqual(expect.arrayContaining([claims(phone), claims(tablet)]));
    expect(
      saveKeys(new Map([[BOB, { list: verified(bob, [tablet]), revision: undefined, known: before }]])).map(named),
    ).not.toContain(claims(tablet));
  });

  it("asks for those that it did not know of, and writes nothing before", () => {
    const { after } = saveOne(tracked(BOB), BOB, { list: verified(bob, [phone]), revision: now });
    const lists = new Map([[BOB, { list: verified(bob, [tablet]), revision: now }]]);
    const keys = saveKeys(lists);
    expect(() =>
      saveLists(
        new SavedRecords(
          keys,
          keys.map((key) => after.get(named(key))),
        ),
        lists,
        ALICE,
      ),
    ).toThrow(RecordsMissing);
  });
});
