import { describe, expect, it } from "vitest";
import { listKey, logKey, OWN_IDENTITY, readSync, SYNC } from "../../src/store/records.js";
import { commit } from "../../src/store/transactions.js";
import { emptyList } from "../../src/trust/device-list.js";
import { inStore } from "../store/in-store.js";
import { changing, commits, step } from "../store/steps.js";
import { saved, savedIds } from "../support/saved.js";
import { signedAccount } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { HEAD_4, saveAll, saveBob, storeOnHead4, toSave } from "./save-in.js";
import { alice, bob, carol, phone, tablet, verified } from "./verified-lists.js";

const bobs = verified(bob, [phone]);
const OWN_KEY = alice.userSigning.publicKey;
const OWN_MASTER = alice.master.publicKey;

describe("saving a list", () => {
  it("writes it with its revision, and one record of the log for all users", () => {
    const store = storeOnHead4();
    const outcomes = saveAll(
      store,
      new Map([
        [BOB, toSave(bobs)],
        [CAROL, toSave(verified(carol, []), { revision: { number: 2 } })],
      ]),
    );
    expect(Array.from(outcomes.values(), ({ state }) => state)).toEqual(["saved", "saved"]);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { revision: 4, list: { deviceKeys: bobs.deviceKeys } } });
    expect(saved(store, logKey(5))).toEqual({
      type: "save",
      by: "other",
      lists: [
        [BOB, 4],
        [CAROL, 2],
      ],
    });
    expect(readSync(saved(store, SYNC))).toMatchObject({ head: 4, position: 5 });
  });

  it("is done for our own user before anything is committed", () => {
    const store = storeOnHead4();
    store.update([], () => ({ puts: [], deletes: [SYNC], result: undefined })).subscribe();
    const revision = { number: 0 };
    saveAll(store, new Map([[ALICE, toSave(verified(alice, []), { revision })]]), { base: { head: 0, position: 0 } });
    expect(saved(store, logKey(1))).toEqual({ type: "save", by: "other", lists: [[ALICE, 0]] });
  });

  it("is refused if a commit in the meantime names the user, and done for the others", () => {
    const store = storeOnHead4();
    inStore(store, (records) => commit(records, HEAD_4, commits(5, changing("s4", "s5", BOB)), "another tab"));
    const outcomes = saveAll(
      store,
      new Map([
        [BOB, toSave(bobs)],
        [CAROL, toSave(verified(carol, []))],
      ]),
    );
    expect(Array.from(outcomes.values(), ({ state }) => state)).toEqual(["refused", "saved"]);
    expect(saved(store, listKey(BOB))).not.toHaveProperty("saved");
    expect(saved(store, logKey(6))).toEqual({ type: "save", by: "other", lists: [[CAROL, 4]] });
  });

  it("is refused for everyone if a commit in the meantime may name anyone", () => {
    const store = storeOnHead4();
    inStore(store, (records) => commit(records, HEAD_4, commits(5, step({ everyone: "outdated" })), "another tab"));
    expect(saveBob(store, bobs).state).toBe("refused");
  });

  it.each([
    ["damaged", "?"],
    ["gone", undefined],
  ])("is refused if the head is %s, and the head stays as it is", (_, sync) => {
    const store = storeOnHead4([SYNC, sync]);
    expect(saveBob(store, bobs).state).toBe("refused");
    expect(saved(store, SYNC)).toBe(sync);
    expect(savedIds(store, "log")).toEqual([]);
  });

  it("is not done for a superseded answer, or a user who is not tracked", () => {
    const store = storeOnHead4();
    expect(saveBob(store, bobs, { revision: undefined }).state).toBe("pinned");
    expect(savedIds(store, "log")).toEqual([]);
    expect(saved(store, listKey(BOB))).not.toHaveProperty("saved");
  });
});

describe("a second answer for one revision", () => {
  it("is not saved: the list that is saved is used", () => {
    const store = storeOnHead4();
    saveBob(store, bobs);
    const { state, list } = saveBob(store, verified(bob, [phone, tablet]));
    expect(state).toBe("saved");
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE"]);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { list: { deviceKeys: bobs.deviceKeys } } });
    expect(savedIds(store, "index")).toEqual(["5"]);
  });

  it("is saved if it was forced", () => {
    const store = storeOnHead4();
    saveBob(store, bobs);
    const { list } = saveBob(store, verified(bob, [phone, tablet]), { forced: true });
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE", "TABLET"]);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { revision: 4, list: { deviceKeys: list.deviceKeys } } });
  });

  it("is saved if the revision is in doubt: the first may be too old", () => {
    const store = storeOnHead4();
    saveBob(store, bobs);
    const { list } = saveBob(store, verified(bob, [phone, tablet]), { revision: { number: 4, doubted: true } });
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE", "TABLET"]);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { revision: 4, list: { deviceKeys: list.deviceKeys } } });
  });

  it("is saved over a damaged list", () => {
    const store = storeOnHead4([listKey(BOB), { pins: { devices: new Map() }, saved: { revision: 4, list: "?" } }]);
    expect(saveBob(store, bobs).list.deviceKeys).toEqual(bobs.deviceKeys);
    expect(saved(store, listKey(BOB))).toMatchObject({ saved: { list: { deviceKeys: bobs.deviceKeys } } });
  });
});

describe("what a save changed", () => {
  it("is returned, compared with the list that was saved before", () => {
    const store = storeOnHead4();
    expect(saveBob(store, bobs).update).toMatchObject({
      userId: BOB,
      added: ["PHONE"],
      identity: { state: "unchanged" },
    });
    const { before, update } = saveBob(store, verified(bob, [phone, tablet]), { forced: true });
    expect(before?.deviceKeys).toEqual(bobs.deviceKeys);
    expect(update).toMatchObject({ added: ["TABLET"], removed: [] });
  });

  it("is nothing for the same list at another time, in another order", () => {
    const store = storeOnHead4();
    saveBob(store, verified(bob, [phone, tablet]));
    const again = saveBob(store, verified(bob, [tablet, phone], { fetchedAt: 9 }), { forced: true });
    expect(again).not.toHaveProperty("update");
  });

  it("is nothing if nothing was saved", () => {
    expect(saveBob(storeOnHead4(), bobs, { revision: undefined })).not.toHaveProperty("update");
    expect(saveBob(storeOnHead4([SYNC, "?"]), bobs)).not.toHaveProperty("update");
  });

  it("says whether an identity is verified by our own saved key", () => {
    const signedByUs = verified(bob, [], {
      identity: { masterKey: bob.master.publicKey, signedBy: [alice.userSigning.publicKey] },
    });
    const verifiedBy = (userSigningKey: string) =>
      saveBob(storeOnHead4([OWN_IDENTITY, { userSigningKey, userSigningKeys: [userSigningKey] }]), signedByUs).update
        ?.identity?.verified;
    expect([verifiedBy(alice.userSigning.publicKey), verifiedBy("another")]).toEqual([true, false]);
  });

  it("says so by the key of our own, confirmed list if that comes in the same answer", () => {
    const signedByUs = verified(bob, [], {
      identity: { masterKey: bob.master.publicKey, signedBy: [alice.userSigning.publicKey] },
    });
    const lists = new Map([
      [BOB, toSave(signedByUs)],
      [ALICE, toSave(verified(alice, [], { userSigningKey: alice.userSigningKey }))],
    ]);
    const verifiedWith = (ownMasterKey?: string) =>
      saveAll(storeOnHead4(), lists, { ownMasterKey }).get(BOB)?.update?.identity?.verified;
    expect([verifiedWith(OWN_MASTER), verifiedWith()]).toEqual([true, false]);
  });
});

describe("a user whom a former key of ours had verified", () => {
  it("stays marked as verified, although none of ours counts at the time", () => {
    const identity = { masterKey: bob.master.publicKey, signedBy: ["former"] };
    const former = [OWN_IDENTITY, { userSigningKey: undefined, userSigningKeys: ["former"] }] as const;
    const store = storeOnHead4(former);
    saveBob(store, verified(bob, [], { identity }));
    const { list, pins } = saveBob(store, bobs, { forced: true });
    expect([list.identity.wasVerified, pins.wasVerified]).toEqual([true, true]);
  });
});

describe("our own user-signing key", () => {
  const ours = verified(alice, [], { userSigningKey: alice.userSigningKey });
  const saveOurs = (store: ReturnType<typeof storeOnHead4>, list = ours, changes = {}, ownMasterKey?: string) =>
    saveAll(store, new Map([[ALICE, toSave(list, { forced: true, ...changes })]]), { ownMasterKey });
  const savedKey = (store: ReturnType<typeof storeOnHead4>) => saved(store, OWN_IDENTITY);

  it("is saved with our own list if our identity is confirmed", () => {
    const store = storeOnHead4();
    saveOurs(store, ours, {}, OWN_MASTER);
    expect(savedKey(store)).toEqual({ userSigningKey: OWN_KEY, userSigningKeys: [OWN_KEY] });
    saveOurs(store); // it stays confirmed
    expect(savedKey(store)).toEqual({ userSigningKey: OWN_KEY, userSigningKeys: [OWN_KEY] });
  });

  it("is not saved if no person has confirmed our identity, or another one", () => {
    for (const ownMasterKey of [undefined, bob.master.publicKey]) {
      const store = storeOnHead4();
      saveOurs(store, ours, {}, ownMasterKey);
      expect(savedKey(store)).toBeUndefined();
    }
  });

  it("is remembered if our list has none any more, or our identity has changed", () => {
    const renewed = signedAccount(ALICE, "renewed");
    for (const list of [verified(alice, []), verified(renewed, [], { userSigningKey: renewed.userSigningKey })]) {
      const store = storeOnHead4();
      saveOurs(store, ours, {}, OWN_MASTER);
      saveOurs(store, list, {}, OWN_MASTER);
      expect(savedKey(store)).toEqual({ userSigningKey: undefined, userSigningKeys: [OWN_KEY] });
    }
  });

  it("is the next one once that is in our list, and the former one is remembered", () => {
    const rotated = signedAccount(ALICE, "renewed").userSigningKey;
    const next = Object.values(rotated.keys)[0];
    const store = storeOnHead4();
    saveOurs(store, ours, {}, OWN_MASTER);
    saveOurs(store, verified(alice, [], { userSigningKey: rotated }));
    expect(savedKey(store)).toEqual({ userSigningKey: next, userSigningKeys: [OWN_KEY, next] });
  });

  it("is left alone if our list is not saved, or is another user's", () => {
    const store = storeOnHead4();
    saveOurs(store, ours, { revision: undefined }, OWN_MASTER);
    saveBob(store, verified(bob, [], { userSigningKey: alice.userSigningKey }));
    expect(savedKey(store)).toBeUndefined();
  });

  it("an empty list without pins leaves no record", () => {
    const store = storeOnHead4();
    saveBob(store, emptyList(5), { revision: undefined });
    expect(savedIds(store, "list")).toEqual([]);
  });
});
