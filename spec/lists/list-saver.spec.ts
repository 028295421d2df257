import { map } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import type { ListRecord } from "../../src/lists/list-record.js";
import type { ListToSave } from "../../src/lists/save-lists.js";
import { MAX_DEVICES_PER_TRANSACTION, MAX_RECORDS_PER_TRANSACTION } from "../../src/model/batch-sizes.js";
import type { UserId } from "../../src/model/ids.js";
import { Pace } from "../../src/store/pace.js";
import { listKey, SYNC } from "../../src/store/records.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { identityStatus } from "../../src/trust/identity.js";
import { storeOfAlice } from "../store/in-store.js";
import { changing, leaving, track } from "../store/steps.js";
import { marbles } from "../support/marbles.js";
import type { SignedAccount } from "../support/signed-account.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { keysOf } from "../trust/pinned-lists.js";
import { saverIn } from "./saver-in.js";
import { alice, bob, carol, phone, pinsFor, selfSigned, swapped, tablet, verified } from "./verified-lists.js";

const bobs = verified(bob, [phone]);

describe("saving the lists of an answer", () => {
  it(
    "emits them once they are durable, cached and reported",
    marbles((m) => {
      const { saveLists, store, tracking, memory, updates } = saverIn(m);
      store.takes = 3;
      m.expectObservable(saveLists({ [BOB]: bobs, [CAROL]: verified(carol, []) })).toBe("---(x|)", {
        x: ["bob PHONE", "carol -"],
      });
      m.afterwards(() => {
        expect([BOB, CAROL].map((userId) => tracking.get(userId)?.outdated)).toEqual([false, false]);
        expect(memory.last(BOB)?.list.deviceKeys).toEqual(bobs.deviceKeys);
        expect(updates).toEqual(["bob added PHONE identity unchanged", "carol identity unchanged"]);
      });
    }),
  );

  it(
    "writes no record if there is nothing to save or to pin",
    marbles((m) => {
      const { saveLists, store } = saverIn(m);
      const head = saved(store.records, SYNC);
      m.expectObservable(saveLists({ [BOB]: emptyList(5) }, { revision: undefined })).toBe("(x|)", { x: ["bob -"] });
      m.afterwards(() => {
        expect([saved(store.records, listKey(BOB)), saved(store.records, SYNC)]).toEqual([undefined, head]);
      });
    }),
  );

  it.each<[string, boolean, DeviceList]>([
    ["nothing of a list that repeats the one in memory", false, bobs],
    [
      "a list that our own identity may have signed",
      true,
      { ...bobs, identity: { ...bobs.identity, signedBy: ["k"] } },
    ],
  ])("writes %s", (_, isWritten, list) => {
    marbles((m) => {
      const { saveLists, store, memory } = saverIn(m);
      saveLists({ [BOB]: list }).subscribe();
      const { update } = store.begun;
      const repeats = memory.last(BOB)?.list;
      saveLists({ [BOB]: { ...list, fetchedAt: 99 } }, { forced: true, repeats }).subscribe();
      expect(store.begun.update - update).toBe(isWritten ? 1 : 0);
      expect(memory.last(BOB)?.list).toEqual({ ...repeats, fetchedAt: 99 });
    })();
  });

  it(
    "writes a list that repeats another one than memory has by now",
    marbles((m) => {
      const { saveLists, store, memory } = saverIn(m);
      saveLists({ [BOB]: bobs }).subscribe();
      const repeats = memory.last(BOB)?.list;
      saveLists({ [BOB]: emptyList(5) }, { forced: true }).subscribe();
      const { update } = store.begun;
      saveLists({ [BOB]: bobs }, { forced: true, repeats }).subscribe();
      expect(store.begun.update - update).toBe(1);
      expect(memory.last(BOB)?.list.deviceKeys).toEqual(bobs.deviceKeys);
    }),
  );

  it(
    "asks the store about a list that is repeated, if its pins may not be, or its revision is another one",
    marbles((m) => {
      const { saveLists, store, memory, unsaved, apply } = saverIn(m);
      const updates = (action: () => void) => {
        const { update } = store.begun;
        action();
        return store.begun.update - update;
      };
      const save = () =>
        saveLists({ [BOB]: bobs }, { forced: true, repeats: memory.last(BOB)?.list ?? bobs }).subscribe();
      expect(updates(save)).toBe(1);
      expect(updates(save)).toBe(0);
      unsaved.add(new Map([[BOB, pinsFor(bob, tablet)]]));
      expect(updates(save)).toBe(1);
      expect(updates(save)).toBe(0);
      memory.forget([BOB]);
      expect(updates(save)).toBe(1);
      apply(changing("s4", "s5", BOB));
      expect(updates(save)).toBe(1);
    }),
  );

  it(
    "asks the store about a list that is the same as one that could not be saved, though its pins were",
    marbles((m) => {
      const { saveLists, store, memory, apply } = saverIn(m);
      saveLists({ [BOB]: verified(bob, [phone, tablet]) }).subscribe();
      apply(changing("s0", "s1", BOB));
      store.failNext("full", "update");
      saveLists({ [BOB]: bobs }).subscribe();
      saveLists({ [BOB]: bobs }, { revision: undefined }).subscribe(); // a late answer: only its pins
      saveLists({ [BOB]: bobs }, { forced: true, repeats: memory.last(BOB)?.list }).subscribe();
      m.afterwards(() => {
        const record = saved(store.records, listKey(BOB)) as ListRecord;
        expect([...(record.saved?.list.deviceKeys.keys() ?? [])]).toEqual(["PHONE"]);
      });
    }),
  );

  it(
    "compares a list without devices with the pins, alone as with others",
    marbles((m) => {
      const { saver, saveLists } = saverIn(m);
      saveLists({ [BOB]: bobs }).subscribe();
      const toSave = (list: DeviceList) => ({ list, revision: undefined, forced: false, refusesUnsigned: false });
      const bobsIdentity = (lists: ReadonlyMap<UserId, ListToSave>) =>
        saver.save(lists).pipe(map((decided) => identityStatus(decided.get(BOB)!.list.identity, undefined).state));
      const nothing = [BOB, toSave(emptyList(5))] as const;
      m.expectObservable(bobsIdentity(new Map([nothing]))).toBe("(x|)", { x: "removed" });
      const carols = [CAROL, toSave(verified(carol, []))] as const;
      m.expectObservable(bobsIdentity(new Map([nothing, carols]))).toBe("(x|)", { x: "removed" });
    }),
  );

  it(
    "takes several transactions for very many lists, and emits them together",
    marbles((m) => {
      const users = crowd(MAX_RECORDS_PER_TRANSACTION + 1);
      const { saver, apply, store, tracking } = saverIn(m);
      apply(track(...users));
      store.takes = 3;
      const { update } = store.begun;
      const lists = new Map(
        users.map((userId) => [
          userId,
          {
            list: emptyList(5),
            revision: tracking.get(userId)?.revision,
            forced: false,
            refusesUnsigned: false,
          },
        ]),
      );
      const sizes: number[] = [];
      saver.save(lists).subscribe(({ size }) => sizes.push(size));
      m.afterwards(() => {
        expect(sizes).toEqual([users.length]);
        expect(store.begun.update).toBe(update + 2);
      });
    }),
  );

  it(
    "compares lists with many devices in several transactions, our own first, and reports a failure once",
    marbles((m) => {
      const many = (account: SignedAccount) => {
        const devices = Array.from({ length: MAX_DEVICES_PER_TRANSACTION }, (_, i) => account.device(`D${i}`));
        return verified(account, devices);
      };
      const { saveLists, store, problems, updates } = saverIn(m);
      const lists = { [BOB]: many(bob), [CAROL]: many(carol), [ALICE]: verified(alice, [alice.device("PHONE")]) };
      const { update } = store.begun;
      saveLists(lists).subscribe();
      expect(store.begun.update - update).toBe(3);
      expect(updates[0]).toMatch(/^alice added PHONE/u);
      store.failNext("full", "update");
      saveLists(lists, { forced: true }).subscribe();
      m.afterwards(() => {
        expect(problems.map(({ type }) => type)).toEqual(["save-failed"]);
      });
    }),
  );

  it(
    "compares fewer devices in a transaction if that takes long",
    marbles((m) => {
      const { saveLists, store } = saverIn(m);
      vi.spyOn(Pace.prototype, "devices", "get").mockReturnValue(2);
      const three = (account: SignedAccount) =>
        verified(
          account,
          ["A", "B", "C"].map((id) => account.device(id)),
        );
      const one = (account: SignedAccount) => verified(account, [account.device("A")]);
      const { update } = store.begun;
      saveLists({ [BOB]: three(bob), [CAROL]: one(carol), [ALICE]: one(alice) }).subscribe();
      expect(store.begun.update - update).toBe(3);
      vi.restoreAllMocks();
    }),
  );

  it(
    "is refused if another tracker has committed a change, which is then read",
    marbles((m) => {
      const records = storeOfAlice();
      const { saveLists, store, tracking, users } = saverIn(m, records);
      store.takes = 3;
      store.loseAnnouncements();
      m.acts("-o", { o: () => saverIn(m, records, "another tab").apply(changing("s0", "s1", BOB)) });
      m.expectObservable(saveLists({ [BOB]: bobs })).toBe("------(x|)", { x: ["bob PHONE refused"] }); // the log is read, too
      m.afterwards(() => {
        expect(tracking.get(BOB)?.outdated).toBe(true);
        expect(users()).toContain("bob@2 none");
        expect(saved(records, listKey(BOB))).not.toHaveProperty("saved");
      });
    }),
  );

  it(
    "only pins the list of a user who changed, or left, while the save waited",
    marbles((m) => {
      const { saveLists, apply, store, updates } = saverIn(m);
      store.takes = 3;
      apply(track(ALICE)); // nothing, but under way
      m.expectObservable(saveLists({ [BOB]: bobs, [CAROL]: verified(carol, []) })).toBe("---------(x|)", {
        x: ["bob PHONE refused", "carol - refused"],
      });
      m.acts("-c", {
        c: () => {
          apply(changing("s0", "s1", BOB));
          apply(leaving("s1", "s2", CAROL));
        },
      });
      m.afterwards(() => {
        expect(savedIds(store.records, "list")).toEqual([BOB, CAROL]);
        expect(saved(store.records, listKey(BOB))).not.toHaveProperty("saved");
        expect(updates).toEqual([]);
      });
    }),
  );
});

describe("our own identity", () => {
  it(
    "is looked at in every answer, saved or not",
    marbles((m) => {
      const { saveLists, problems } = saverIn(m);
      const changed = { masterKey: "second", pinnedMasterKey: "first", signedBy: [] };
      saveLists({ [ALICE]: verified(alice, []) }).subscribe();
      saveLists({ [ALICE]: verified(alice, [], { identity: changed }) }, { revision: undefined }).subscribe();
      expect(problems).toMatchObject([{ type: "own-identity-changed", masterKey: "second" }]);
    }),
  );

  it(
    "counts no longer if another tracker found it changed",
    marbles((m) => {
      const records = storeOfAlice();
      const { saveLists, memory, store } = saverIn(m, records, undefined, alice.master.publicKey);
      const ours = verified(alice, [], { userSigningKey: alice.userSigningKey });
      saveLists({ [ALICE]: ours }).subscribe();
      expect(memory.ourKey).toBe(alice.userSigning.publicKey);
      store.loseAnnouncements();
      saverIn(m, records, "another tab")
        .saveLists({ [ALICE]: verified(alice, []) }, { forced: true })
        .subscribe();
      saveLists({ [BOB]: bobs }).subscribe();
      expect(memory.ourKey).toBeUndefined();
    }),
  );
});

describe("damaged pins", () => {
  it(
    "are reported once they were replaced by those of the list",
    marbles((m) => {
      const { saveLists, store, problems } = saverIn(m);
      put(store.records, [listKey(BOB), { pins: "?" }]);
      saveLists({ [BOB]: bobs }).subscribe();
      saveLists({ [BOB]: bobs }, { forced: true }).subscribe();
      expect(problems).toMatchObject([{ type: "records-damaged", kind: "pins", ids: [BOB] }]);
    }),
  );
});

describe("saving pins without their lists", () => {
  it(
    "writes them at once, in several transactions if there are many",
    marbles((m) => {
      const { saver, store } = saverIn(m);
      const { update: before } = store.begun;
      const users = crowd(MAX_RECORDS_PER_TRANSACTION + 1);
      saver.savePins(new Map(users.map((userId) => [userId, pinsFor(bob, phone)])));
      expect(savedIds(store.records, "list")).toHaveLength(users.length);
      expect(store.begun.update - before).toBe(2);
    }),
  );

  it(
    "does it with the next list of their user if it fails",
    marbles((m) => {
      const { saver, saveLists, store, problems } = saverIn(m);
      store.failNext("full", "update");
      saver.savePins(new Map([[BOB, pinsFor(bob, phone)]]));
      expect(saved(store.records, listKey(BOB))).toBeUndefined();
      m.expectObservable(saveLists({ [BOB]: selfSigned(bob, [swapped]) })).toBe("(x|)", { x: ["bob -"] });
      m.afterwards(() => {
        const { pins } = saved(store.records, listKey(BOB)) as ListRecord;
        expect(keysOf(pins)).toEqual(pinsFor(bob, phone));
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "keeps none of them once they are saved",
    marbles((m) => {
      const { saver, saveLists, store } = saverIn(m);
      saver.savePins(new Map([[BOB, pinsFor(bob, phone)]]));
      put(store.records, [listKey(BOB), undefined]);
      m.expectObservable(saveLists({ [BOB]: selfSigned(bob, [swapped]) })).toBe("(x|)", { x: ["bob PHONE"] });
    }),
  );
});
