import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { loadAccount, readAccount, type SavedAccount } from "../../src/store/load.js";
import { readMissing } from "../../src/store/read-missing.js";
import { listKey, logKey, NO_SYNC, readSync, snapshotKey, SYNC, type SyncRecord } from "../../src/store/records.js";
import { emptyClone, followSave } from "../../src/store/clone.js";
import { rebase } from "../../src/store/rebase.js";
import { commit } from "../../src/store/transactions.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { inStore, OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { changing, commits, track, usersOf } from "./steps.js";
import { WITHOUT_EXTENSIONS } from "./without-extensions.js";

const SYNC_RECORD: SyncRecord = {
  head: 3,
  token: "s3",
  position: 4,
  snapshot: { position: 2, head: 2, chunks: 1, index: 0, oldest: 1 },
};
const commitsAt = (number: number) => ({ type: "commits", by: "tab", commits: commits(number, track(CAROL)) });

/** Bob is current in the snapshot; Carol was tracked after it, and her list was saved. A damage of `undefined` removes the record. */
function damagedStore(...damages: readonly (readonly [RecordKey, unknown])[]): DeviceStore {
  const store = storeOfAlice(
    [SYNC, SYNC_RECORD],
    [
      snapshotKey(0),
      [
        [ALICE, 0, 2],
        [BOB, 2, 2],
      ],
    ],
    [logKey(3), commitsAt(3)],
    [logKey(4), { type: "save", by: "other", lists: [[CAROL, 3]] }],
    [listKey(BOB), "Bob's list"],
  );
  for (const [key, record] of damages) {
    if (record !== undefined) put(store, [key, record]);
    else store.update([], () => ({ puts: [], deletes: [key], result: undefined })).subscribe();
  }
  return store;
}

function load(store: DeviceStore): SavedAccount {
  const accounts: SavedAccount[] = [];
  loadAccount(store, ALICE, "another life", new VirtualTimeScheduler()).subscribe((account) => accounts.push(account));
  return accounts[0]!;
}

const users = ({ state }: SavedAccount) => usersOf({ users: new Map(state.users) });

describe("an undamaged store", () => {
  it("is loaded as it is", () => {
    const account = load(damagedStore());
    expect(account.damaged).toEqual(new Map());
    expect(users(account)).toEqual(["alice@0 current", "bob@2 current", "carol@3 current"]);
  });
});

describe("a damaged store", () => {
  const damages: readonly (readonly [string, readonly (readonly [RecordKey, unknown])[], string, string])[] = [
    ["the head is no record", [[SYNC, "?"]], "account", "sync"],
    ["the head is gone", [[SYNC, undefined]], "account", "sync"],
    ["the head is not that of the log", [[SYNC, { ...SYNC_RECORD, head: 7 }]], "account", "sync"],
    ["a snapshot is no record", [[snapshotKey(0), "?"]], "snapshot", "0"],
    ["a snapshot is gone", [[snapshotKey(0), undefined]], "snapshot", "0"],
    ["commits are no record", [[logKey(3), { ...commitsAt(3), commits: "?" }]], "log", "3"],
    ["commits are gone", [[logKey(3), undefined]], "log", "3"],
    ["a save is no record", [[logKey(4), "?"]], "log", "4"],
  ];

  it.each(damages)("in which %s tracks no user but our own, whose list is outdated", (_, records, kind, id) => {
    const account = load(damagedStore(...records));
    expect(account.damaged).toEqual(new Map([[kind, [id]]]));
    expect(users(account)).toEqual([`alice@${account.state.head} none`]);
  });

  it.each(damages)("in which %s is mended once", (_, records) => {
    const store = damagedStore(...records);
    load(store);
    expect([savedIds(store, "snapshot"), savedIds(store, "log")]).toEqual([["0"], []]);
    const again = load(store);
    expect(again.damaged).toEqual(new Map());
    expect(users(again)).toEqual([`alice@${again.state.head} none`]);
  });

  it("is mended at once if its head says that there are any number of records", () => {
    const { snapshot } = SYNC_RECORD;
    for (const damage of [
      { ...SYNC_RECORD, position: 2 ** 50 },
      { ...SYNC_RECORD, snapshot: { ...snapshot, chunks: 2 ** 50 } },
    ]) {
      const { damaged } = load(damagedStore([SYNC, damage]));
      expect(Array.from(damaged.values()).flat()).toHaveLength(100);
    }
  });

  it("keeps its token if it can be read", () => {
    expect(load(damagedStore([logKey(3), "?"])).state.token).toBe("s3");
    expect(load(damagedStore([SYNC, "?"])).state.token).toBeUndefined();
  });

  it("keeps the lists: they hold what was pinned", () => {
    const store = damagedStore([SYNC, "?"]);
    load(store);
    expect(saved(store, listKey(BOB))).toBe("Bob's list");
  });

  it("goes on from numbers far beyond those that a running tab may know", () => {
    const { state } = load(damagedStore([SYNC, "?"]));
    expect(state.head).toBeGreaterThan(1_000_000);
    expect(state.position).toBeGreaterThan(4);
  });

  it.each<[string, RecordKey, unknown]>([
    ["the log", logKey(4), commitsAt(5_000_000_000)],
    ["a snapshot", snapshotKey(0), [[BOB, 5_000_000_000, 2]]],
  ])("goes on from beyond the numbers in %s if the head is lost", (_, key, record) => {
    expect(load(damagedStore([SYNC, "?"], [key, record])).state.head).toBeGreaterThan(5_000_000_000);
  });

  it("outdates our own list in a running tab, which may have missed a change", () => {
    const clone = emptyClone(ALICE);
    followSave(clone, [[ALICE, 0]]);
    expect(usersOf(clone)).toEqual(["alice@0 current"]);
    const account = load(damagedStore([logKey(3), "?"]));
    rebase(clone, { type: "everything", account }, "tab", WITHOUT_EXTENSIONS);
    expect(usersOf(clone)).toEqual([`alice@${account.state.head} none`]);
  });

  it("is found by the next commit of a running tab, which then reads everything", () => {
    const store = damagedStore([SYNC, "?"]);
    const outcome = () =>
      inStore(store, (records) =>
        commit(records, { head: 3, position: 4 }, commits(4, changing("s3", "s4", BOB)), "tab"),
      );
    expect(outcome()).toEqual({ movedTo: undefined });
    const types: string[] = [];
    readMissing(store, OWNED_BY_ALICE, { head: 3, position: 4 }, new VirtualTimeScheduler()).subscribe(({ type }) =>
      types.push(type),
    );
    expect(types).toEqual(["everything"]);
    expect(outcome()).toMatchObject({ movedTo: { position: 5 } });
  });
});

describe("mending", () => {
  /** Something happens between reading the damage and mending it. */
  const racing = (store: DeviceStore, happen: () => void): DeviceStore => ({
    ...store,
    update: (keys, change) => {
      happen();
      return store.update(keys, change);
    },
  });

  it("writes nothing into a store that was cleared in the meantime", () => {
    const store = damagedStore([SYNC, "?"]);
    load(racing(store, () => store.clear().subscribe()));
    expect(savedIds(store, "account")).toEqual([]);
  });

  it("leaves the store alone if another tab has mended it: the next commit finds that", () => {
    const store = damagedStore([SYNC, { ...SYNC_RECORD, head: 7 }]);
    load(racing(store, () => put(store, [SYNC, { ...NO_SYNC, head: 50, position: 50 }])));
    expect(readSync(saved(store, SYNC))?.head).toBe(50);
  });

  it("does not happen in a store that has another life", () => {
    const errors: unknown[] = [];
    readAccount(damagedStore([SYNC, "?"]), { ...OWNED_BY_ALICE, lifetime: "y" }, new VirtualTimeScheduler()).subscribe({
      error: (error: unknown) => errors.push(error),
    });
    expect(errors).toEqual([new StoreClearedError()]);
  });
});
