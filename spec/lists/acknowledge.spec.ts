import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { identityStatus } from "../../src/trust/identity.js";
import type { UserId } from "../../src/model/ids.js";
import { acknowledge, acknowledgeKeys } from "../../src/lists/acknowledge.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { listKey, OWN_IDENTITY, pinsKey } from "../../src/store/records.js";
import { SavedRecords } from "../../src/store/saved-records.js";
import { signedAccount } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";

const [first, second] = [signedAccount(BOB, "first"), signedAccount(BOB, "second")];
const phone = first.device("PHONE");
const devices = new Map([["PHONE", phone.keys["ed25519:PHONE"]]]);

/** Bob's list, whose master key is the second one, while the first is pinned. */
const list: DeviceList = {
  ...emptyList(5),
  deviceKeys: new Map([["PHONE", phone]]),
  deviceStatus: new Map([["PHONE", { signedByItself: true, crossSigned: false, dehydrated: false }]]),
  masterKey: second.masterKey,
  identity: { masterKey: second.master.publicKey, pinnedMasterKey: first.master.publicKey, signedBy: ["ours"] },
};
const acknowledged: DeviceList = { ...list, identity: { ...list.identity, pinnedMasterKey: second.master.publicKey } };

function run(saved: readonly (readonly [RecordKey, unknown])[], userId: UserId, masterKey: string) {
  const keys = acknowledgeKeys(userId);
  const records = new SavedRecords(
    keys,
    keys.map(([kind, id]) => saved.find(([[savedKind, savedId]]) => kind === savedKind && id === savedId)?.[1]),
  );
  const outcome = acknowledge(records, { userId, masterKey, ownUserId: ALICE, inMemory: undefined });
  const { puts, deletes } = records.update(undefined);
  return { outcome, puts: new Map(puts.map(([[kind], record]) => [kind, record])), deletes };
}

describe("acknowledge", () => {
  const saved = [
    [listKey(BOB), { revision: 7, list }],
    [pinsKey(BOB), { devices, masterKey: first.master.publicKey }],
  ] as const;

  it("pins the master key in the place of the first one, in the list, too, and leaves the rest", () => {
    const { outcome, puts, deletes } = run(saved, BOB, second.master.publicKey);
    expect(outcome).toEqual({ list: acknowledged });
    expect(puts).toEqual(
      new Map<string, unknown>([
        ["pins", { devices, masterKey: second.master.publicKey }],
        ["list", { revision: 7, list: acknowledged }],
      ]),
    );
    expect(deletes).toEqual([]);
    expect([list, acknowledged].map(({ identity }) => identityStatus(identity, "ours"))).toMatchObject([
      { state: "changed", verified: false },
      { state: "unchanged", verified: true },
    ]);
  });

  it.each<[string, DeviceList, string | undefined]>([
    ["the user has yet another one", { ...list, identity: { ...list.identity, masterKey: "third" } }, "third"],
    [
      "the user has none any more",
      { ...list, identity: { pinnedMasterKey: first.master.publicKey, signedBy: [] } },
      undefined,
    ],
  ])("writes nothing where %s, and says so", (_, other, masterKey) => {
    const { outcome, puts, deletes } = run(
      [
        [listKey(BOB), { revision: 7, list: other }],
        [pinsKey(BOB), { devices, masterKey: first.master.publicKey }],
      ],
      BOB,
      second.master.publicKey,
    );
    expect(outcome).toEqual({ masterKey });
    expect([puts.size, deletes.length]).toEqual([0, 0]);
  });

  it("pins it though no list is saved: the user is not tracked, or the list is damaged", () => {
    for (const record of [undefined, "?"]) {
      const { outcome, puts } = run(
        [
          [listKey(BOB), record],
          [pinsKey(BOB), { devices, masterKey: first.master.publicKey }],
        ],
        BOB,
        second.master.publicKey,
      );
      expect(outcome).toEqual({ list: undefined });
      expect(puts).toEqual(new Map([["pins", { devices, masterKey: second.master.publicKey }]]));
    }
  });

  it("keeps the pins of devices where the record of pins is damaged, as far as the list has them", () => {
    const { puts } = run(
      [
        [listKey(BOB), { revision: 7, list }],
        [pinsKey(BOB), "?"],
      ],
      BOB,
      second.master.publicKey,
    );
    expect(puts.get("pins")).toMatchObject({ devices, masterKey: second.master.publicKey });
  });

  it("leaves everything as it is where it is the pinned one already", () => {
    const { puts } = run(
      [
        [listKey(BOB), { revision: 7, list: acknowledged }],
        [pinsKey(BOB), { devices, masterKey: second.master.publicKey }],
      ],
      BOB,
      second.master.publicKey,
    );
    expect(puts).toEqual(
      new Map<string, unknown>([
        ["pins", { devices, masterKey: second.master.publicKey }],
        ["list", { revision: 7, list: acknowledged }],
      ]),
    );
  });

  describe("of our own identity", () => {
    const alice = signedAccount(ALICE, "second");
    const ours: DeviceList = {
      ...emptyList(5),
      masterKey: alice.masterKey,
      userSigningKey: alice.userSigningKey,
      identity: { masterKey: alice.master.publicKey, pinnedMasterKey: "first", signedBy: [] },
    };

    it("has our user-signing key relied on again", () => {
      const { puts } = run([[listKey(ALICE), { revision: 7, list: ours }]], ALICE, alice.master.publicKey);
      expect(puts.get("account")).toEqual({ userSigningKey: alice.userSigning.publicKey });
    });

    it("relies on none where the list has none", () => {
      const { userSigningKey: _, ...without } = ours;
      const { puts, deletes } = run(
        [
          [listKey(ALICE), { revision: 7, list: without }],
          [OWN_IDENTITY, { userSigningKey: "old" }],
        ],
        ALICE,
        alice.master.publicKey,
      );
      expect(puts.has("account")).toBe(false);
      expect(deletes).toEqual([OWN_IDENTITY]);
    });

    it("is not concerned by that of others", () => {
      const { puts, deletes } = run(
        [...saved, [OWN_IDENTITY, { userSigningKey: "ours" }]],
        BOB,
        second.master.publicKey,
      );
      expect(puts.has("account")).toBe(false);
      expect(deletes).toEqual([]);
    });
  });
});
