import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError, StoreFormatError, StoreOwnerError } from "../../src/model/errors.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { loadAccount, type SavedAccount } from "../../src/store/load.js";
import {
  extensionKey,
  listKey,
  logKey,
  NO_SYNC,
  OWN_IDENTITY,
  OWNER,
  snapshotKey,
  STORE_FORMAT,
  SYNC,
} from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { ManualTime } from "../support/manual-time.js";
import { put, saved, savedIds, storeWith } from "../support/saved.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { changing, commits, leaving, usersOf } from "./steps.js";

/** What is loaded of a store that emits at once; throws what loading fails with. */
function load(store: DeviceStore): SavedAccount {
  const outcome: { account?: SavedAccount; error?: unknown } = {};
  loadAccount(store, ALICE, "new life", new VirtualTimeScheduler()).subscribe({
    next: (account) => (outcome.account = account),
    error: (error: unknown) => (outcome.error = error),
  });
  if (outcome.account === undefined) throw outcome.error;
  return outcome.account;
}

const users = ({ state }: SavedAccount) => usersOf({ users: new Map(state.users) });

/** A snapshot up to commit 3, and a log of two commits and a save after it. */
const SAVED: readonly (readonly [RecordKey, unknown])[] = [
  [
    SYNC,
    {
      head: 5,
      token: "s5",
      position: 9,
      snapshot: { position: 6, head: 3, chunks: 2, index: 0, oldest: 4 },
    },
  ],
  [
    snapshotKey(0),
    [
      [ALICE, 0, 2],
      [BOB, 2, 2],
    ],
  ],
  [snapshotKey(1), [[CAROL, 3, 1]]],
  [logKey(7), { type: "commits", by: "tab", commits: commits(4, changing("s3", "s4", DAVE)) }],
  [
    logKey(8),
    {
      type: "save",
      by: "other",
      lists: [
        [CAROL, 3],
        [BOB, 1],
      ],
    },
  ],
  [logKey(9), { type: "commits", by: "tab", commits: commits(5, leaving("s4", "s5", BOB)) }],
];

/** A log that goes back to the first commit, of which a snapshot has the first record. */
const WHOLE: readonly (readonly [RecordKey, unknown])[] = [
  [SYNC, { head: 2, position: 3, snapshot: { position: 1, head: 1, chunks: 1, index: 0, oldest: 1 } }],
  [
    snapshotKey(0),
    [
      [ALICE, 0, 0],
      [CAROL, 1, 0],
    ],
  ],
  [logKey(1), { type: "commits", by: "tab", commits: commits(1, { ...changing("s0", "s1", CAROL), left: [BOB] }) }],
  [logKey(2), { type: "save", by: "other", lists: [[CAROL, 1]] }],
  [logKey(3), { type: "commits", by: "tab", commits: commits(2, changing("s1", "s2", BOB, DAVE)) }],
];

describe("loading an account", () => {
  it("claims an empty store, in which our own user is tracked", () => {
    const store = storeWith();
    const account = load(store);
    expect(saved(store, OWNER)).toEqual({ userId: ALICE, format: STORE_FORMAT, lifetime: "new life" });
    expect(users(account)).toEqual(["alice@0 none"]);
    expect(account.state).toMatchObject({ head: 0, position: 0, token: undefined });
    expect(account.damaged).toEqual(new Map());
  });

  it("goes on from the owner that it found when it is tried again", () => {
    const store = new ScriptedStore({ scheduler: new ManualTime(), records: storeWith() });
    const account$ = loadAccount(store, ALICE, "new life", new VirtualTimeScheduler());
    const outcomes: unknown[] = [];
    const tryIt = () =>
      account$.subscribe({
        next: ({ owner }) => outcomes.push(owner.lifetime),
        error: (error: unknown) => outcomes.push(error),
      });
    store.failNext("no disk", "read");
    tryIt();
    put(store.records, [OWNER, OWNED_BY_ALICE]);
    store.failNext("no disk", "readKinds");
    tryIt();
    tryIt();
    put(store.records, [OWNER, { ...OWNED_BY_ALICE, lifetime: "y" }]);
    tryIt();
    store.records.clear().subscribe();
    tryIt();
    expect(outcomes).toEqual(["no disk", "no disk", "x", new StoreClearedError(), new StoreClearedError()]);
    expect(saved(store.records, OWNER)).toBeUndefined();
  });

  it("folds the log after the snapshot into it, and writes nothing", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const account = load(countingStore(log, storeOfAlice(...SAVED)));
    expect(users(account)).toEqual(["alice@0 current", "carol@3 current", "dave@4 none"]);
    expect(account.state).toMatchObject({ head: 5, position: 9, token: "s5" });
    expect(account.owner).toEqual(OWNED_BY_ALICE);
    expect(log).toEqual({
      reads: [["account/owner"], ["account/*", "snapshot/*", "log/*", "extension/*"]],
      writes: [],
    });
  });

  it("shares the revision of users who changed in one commit", () => {
    const account = load(
      storeOfAlice(
        [SYNC, { ...NO_SYNC, head: 3, snapshot: { ...NO_SYNC.snapshot, head: 3, chunks: 1 } }],
        [
          snapshotKey(0),
          [
            [BOB, 3, 0],
            [CAROL, 3, 0],
          ],
        ],
      ),
    );
    expect(account.state.users.get(BOB)?.revision).toBe(account.state.users.get(CAROL)?.revision);
  });

  it("knows who left while the log goes back to the first commit", () => {
    const { hasLeft } = load(storeOfAlice(...WHOLE));
    expect([BOB, CAROL, DAVE].map(hasLeft)).toEqual([true, false, false]);
  });

  it.each<[string, readonly (readonly [RecordKey, unknown])[]]>([
    ["the log is truncated", SAVED],
    ["a record of the log is missing", WHOLE.filter(([key]) => key[1] !== logKey(2)[1])],
    ["a record that was folded is damaged", [...WHOLE, [logKey(1), "?"]]],
    ["the head is damaged", [...WHOLE, [SYNC, "?"]]],
    ["a snapshot is damaged", [...WHOLE, [snapshotKey(0), "?"]]],
  ])("takes any user for one who may have left if %s", (_, records) => {
    const { hasLeft } = load(storeOfAlice(...records));
    expect([BOB, CAROL, DAVE].map(hasLeft)).toEqual([true, true, true]);
  });

  it("knows the tokens that the log has passed, which the current one is not", () => {
    const { passed } = load(storeOfAlice(...SAVED));
    expect([...passed].sort()).toEqual(["s3", "s4"]);
  });

  it.each<[string, readonly (readonly [RecordKey, unknown])[]]>([
    ["a record of the log is damaged", [...SAVED, [logKey(7), "?"]]],
    ["the head is damaged", [...SAVED, [SYNC, "?"]]],
  ])("knows no token that was passed if %s", (_, records) => {
    const { passed } = load(storeOfAlice(...records));
    expect([...passed]).toEqual([]);
  });

  it("reads our own user-signing key", () => {
    const ourKeyOf = (record: unknown) => load(storeOfAlice([OWN_IDENTITY, record])).ourKey;
    expect(ourKeyOf({ userSigningKey: "ours", userSigningKeys: ["ours"] })).toBe("ours");
    expect(ourKeyOf({ userSigningKey: undefined, userSigningKeys: ["ours"] })).toBeUndefined();
    expect(ourKeyOf("?")).toBeUndefined();
  });

  it("ignores log records beyond the head, and those that were folded", () => {
    const account = load(storeOfAlice(...SAVED, [logKey(10), "?"], [logKey(6), "?"]));
    expect(account.damaged).toEqual(new Map());
  });
});

describe("loading another account's store", () => {
  const owner = { userId: BOB, format: STORE_FORMAT, lifetime: "x" };

  it("fails before anything but the owner is read", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeWith([OWNER, owner], ...SAVED));
    expect(() => load(store)).toThrow(new StoreOwnerError(BOB, ALICE));
    expect(log).toEqual({ reads: [["account/owner"]], writes: [] });
  });

  it.each([STORE_FORMAT - 1, STORE_FORMAT + 1])("fails in the same way if its format is %d", (format) => {
    expect(() => load(storeWith([OWNER, { ...owner, format }]))).toThrow(StoreOwnerError);
  });
});

describe("loading a store of another format", () => {
  it.each<[string, unknown]>([
    ["", { userId: ALICE, format: STORE_FORMAT + 1, lifetime: "x" }],
    ["that names its owner in another way", { owners: [ALICE], format: STORE_FORMAT + 1 }],
  ])("fails for a newer one %s, and changes nothing", (_, owner) => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeWith([OWNER, owner], ...SAVED));
    expect(() => load(store)).toThrow(new StoreFormatError(STORE_FORMAT + 1, STORE_FORMAT));
    expect(log).toEqual({ reads: [["account/owner"]], writes: [] });
  });

  it.each<[string, unknown]>([
    ["", { userId: ALICE, format: 1, lifetime: "x" }],
    ["without a lifetime", { userId: ALICE, format: 1 }],
  ])("replaces an older one %s, and says so", (_, owner) => {
    const store = storeWith(
      [OWNER, owner],
      [SYNC, { revision: 5, token: "s5", steps: [] }],
      [["state", BOB], {}],
      [extensionKey("rooms", 0), {}],
    );
    const account = load(store);
    expect(account.replaced).toBe(1);
    expect(users(account)).toEqual(["alice@0 none"]);
    expect(account.state.token).toBeUndefined();
    expect(["account", "state", "extension"].map((kind) => savedIds(store, kind))).toEqual([["owner"], [], []]);
    expect(load(store).replaced).toBeUndefined();
  });
});

describe("loading a store whose owner is damaged", () => {
  it.each(["?", null, {}, { userId: ALICE }, { userId: 5, format: STORE_FORMAT, lifetime: "x" }])(
    "forgets everything, since it may be anyone's: %j",
    (damaged) => {
      const store = storeWith([OWNER, damaged], ...SAVED, [listKey(BOB), "list"]);
      const account = load(store);
      expect(account.damaged).toEqual(new Map([["account", ["owner"]]]));
      expect(users(account)).toEqual(["alice@0 none"]);
      expect(account.owner.lifetime).toBe("new life");
      for (const kind of ["snapshot", "log", "list"]) expect(savedIds(store, kind)).toEqual([]);
    },
  );
});

describe("several tabs that load at once", () => {
  it("share the claim of the fastest", () => {
    const store = storeWith();
    const slower: DeviceStore = {
      ...store,
      update: (keys, change) => {
        put(store, [OWNER, { ...OWNED_BY_ALICE, lifetime: "faster" }]);
        return store.update(keys, change);
      },
    };
    expect(load(slower).owner.lifetime).toBe("faster");
  });
});
