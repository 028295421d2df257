import { describe, expect, it } from "vitest";
import { StoreFormatError, StoreOwnerError } from "../../src/model/errors.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { loadAccount, type SavedAccount } from "../../src/store/load.js";
import { EPOCH, OWNER, stateKey, SYNC } from "../../src/store/records.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { put, saved, savedIds, storeWith } from "../support/saved.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const owner = [OWNER, { userId: ALICE, format: 1, lifetime: "x" }] as const;
const sync = [SYNC, { revision: 5, token: "s5", steps: [] }] as const;

/** What is loaded of a store that answers at once; throws what loading fails with. */
function load(store: DeviceStore): SavedAccount {
  const outcome: { account?: SavedAccount; error?: unknown } = {};
  loadAccount(store, ALICE, "new life").subscribe({
    next: (account) => (outcome.account = account),
    error: (error: unknown) => (outcome.error = error),
  });
  if (outcome.account === undefined) throw outcome.error;
  return outcome.account;
}

const users = ({ users: all }: SavedAccount) =>
  Object.fromEntries(Array.from(all, ([user, { revision, outdated }]) => [user, [revision.committed, outdated]]));

describe("loadAccount", () => {
  it("claims an empty store, in which our own user is tracked", () => {
    const store = storeWith();
    const account = load(store);
    expect(saved(store, OWNER)).toEqual({ userId: ALICE, format: 1, lifetime: "new life" });
    expect(account).toMatchObject({ owner: { lifetime: "new life" }, token: undefined, damaged: new Map() });
    expect(users(account)).toEqual({ [ALICE]: [0, true] });
  });

  it("gives what is saved, and writes nothing", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const states = [
      [stateKey(BOB), { revision: 4, listed: 4 }],
      [stateKey(CAROL), { revision: 5, listed: 3 }],
    ] as const;
    const account = load(countingStore(log, storeWith(owner, sync, ...states)));
    expect(account).toMatchObject({ owner: { lifetime: "x" }, token: "s5", damaged: new Map() });
    expect(users(account)).toEqual({ [ALICE]: [0, true], [BOB]: [4, false], [CAROL]: [5, true] });
    expect(log).toEqual({ reads: [["account/owner"], ["account/*", "state/*"]], writes: [] });
  });

  it("gives users of one step one revision between them", () => {
    const account = load(storeWith(owner, sync, [stateKey(BOB), { revision: 4 }], [stateKey(CAROL), { revision: 4 }]));
    expect(account.users.get(BOB)?.revision).toBe(account.users.get(CAROL)?.revision);
  });

  it("counts everyone before the epoch as outdated at the epoch", () => {
    const account = load(
      storeWith(
        owner,
        sync,
        [EPOCH, 5],
        [stateKey(BOB), { revision: 4, listed: 4 }],
        [stateKey(CAROL), { revision: 2, listed: 5 }],
      ),
    );
    expect(users(account)).toEqual({ [ALICE]: [5, true], [BOB]: [5, true], [CAROL]: [5, false] });
  });

  it("takes our own user's record where there is one", () => {
    expect(users(load(storeWith(owner, sync, [stateKey(ALICE), { revision: 3, listed: 3 }])))).toEqual({
      [ALICE]: [3, false],
    });
  });

  it("refuses another account's store before anything but the owner is read", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeWith([OWNER, { userId: BOB, format: 1, lifetime: "x" }], sync));
    expect(() => load(store)).toThrow(new StoreOwnerError(BOB, ALICE));
    expect(log).toEqual({ reads: [["account/owner"]], writes: [] });
  });

  it("refuses the store of a newer format, and changes nothing", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeWith([OWNER, { userId: ALICE, format: 2, lifetime: "x" }], sync));
    expect(() => load(store)).toThrow(new StoreFormatError(2, 1));
    expect(log).toEqual({ reads: [["account/owner"]], writes: [] });
  });

  it("refuses the store of a newer format that names its owner in another way, and changes nothing", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeWith([OWNER, { owners: [ALICE], format: 2 }], sync));
    expect(() => load(store)).toThrow(StoreFormatError);
    expect(log.writes).toEqual([]);
  });

  it("refuses another account's store of a newer format as another account's", () => {
    expect(() => load(storeWith([OWNER, { userId: BOB, format: 2, lifetime: "x" }]))).toThrow(StoreOwnerError);
  });
});

describe("loadAccount over damaged records", () => {
  it.each(["?", null, {}, { userId: ALICE }, { userId: 5, format: 1, lifetime: "x" }])(
    "forgets everything where the owner is %j: it may be anybody's",
    (damaged) => {
      const store = storeWith(
        [OWNER, damaged],
        sync,
        [stateKey(BOB), { revision: 4, listed: 4 }],
        [["list", BOB], "list"],
      );
      const account = load(store);
      expect(account.damaged).toEqual(new Map([["account", ["owner"]]]));
      expect(users(account)).toEqual({ [ALICE]: [0, true] });
      expect(account.token).toBeUndefined();
      expect([savedIds(store, "account"), savedIds(store, "state"), savedIds(store, "list")]).toEqual([
        ["owner"],
        [],
        [],
      ]);
      expect(account.owner.lifetime).toBe("new life");
    },
  );

  it.each([
    "?",
    null,
    { revision: -1, steps: [] },
    { revision: 1.5, steps: [] },
    { revision: 5, token: 7, steps: [] },
    { revision: 5, steps: [{}] },
  ])(
    "counts everyone as outdated where the sync record is %j, at a revision greater than any before, and begins anew",
    (damaged) => {
      const store = storeWith(
        owner,
        [SYNC, damaged],
        [stateKey(BOB), { revision: 9, listed: 9 }],
        [stateKey(CAROL), { revision: 3, listed: 3 }],
      );
      const account = load(store);
      expect(account.damaged).toEqual(new Map([["account", ["sync"]]]));
      expect(account.token).toBeUndefined();
      expect(users(account)).toEqual({
        [ALICE]: [1_000_000_009, true],
        [BOB]: [1_000_000_009, true],
        [CAROL]: [1_000_000_009, true],
      });
      expect([saved(store, SYNC), saved(store, EPOCH)]).toEqual([
        { revision: 1_000_000_009, steps: [] },
        1_000_000_009,
      ]);
    },
  );

  it("does so too where the sync record is gone although there are users", () => {
    const account = load(storeWith(owner, [stateKey(BOB), { revision: 9, listed: 9 }]));
    expect(account.damaged).toEqual(new Map([["account", ["sync"]]]));
    expect(users(account)[BOB]).toEqual([1_000_000_009, true]);
  });

  it.each(["?", -1, 1.5, null])("counts everyone as outdated where the epoch is %j, and keeps the token", (damaged) => {
    const store = storeWith(owner, sync, [EPOCH, damaged], [stateKey(BOB), { revision: 4, listed: 4 }]);
    const account = load(store);
    expect(account.damaged).toEqual(new Map([["account", ["epoch"]]]));
    expect(account.token).toBe("s5");
    expect(users(account)[BOB]).toEqual([6, true]);
    expect([saved(store, SYNC), saved(store, EPOCH)]).toMatchObject([{ revision: 6, token: "s5" }, 6]);
  });

  it("is mended once: the next start finds nothing damaged", () => {
    const store = storeWith(owner, [SYNC, "?"], [EPOCH, "?"], [stateKey(BOB), { revision: 4, listed: 4 }]);
    expect(load(store).damaged).toEqual(new Map([["account", ["sync", "epoch"]]]));
    expect(load(store).damaged).toEqual(new Map());
  });

  it.each(["?", null, {}, { revision: "1" }, { revision: 4, listed: -1 }])(
    "tracks a user whose state is %j, outdated, and leaves the others alone",
    (damaged) => {
      const account = load(
        storeWith(owner, sync, [stateKey(BOB), damaged], [stateKey(CAROL), { revision: 4, listed: 4 }]),
      );
      expect(account.damaged).toEqual(new Map([["state", [BOB]]]));
      expect(users(account)).toEqual({ [ALICE]: [0, true], [BOB]: [0, true], [CAROL]: [4, false] });
    },
  );

  it("leaves out a state of what is no user", () => {
    const account = load(storeWith(owner, sync, [stateKey("nobody"), { revision: 4 }]));
    expect(account.damaged).toEqual(new Map([["state", ["nobody"]]]));
    expect(users(account)).toEqual({ [ALICE]: [0, true] });
  });

  it("mends nothing in a store that was cleared meanwhile", () => {
    const store = storeWith(owner, [SYNC, "?"], [stateKey(BOB), { revision: 4, listed: 4 }]);
    const clearing: DeviceStore = {
      ...store,
      update: (keys, change) => {
        store.clear().subscribe();
        return store.update(keys, change);
      },
    };
    load(clearing);
    expect(savedIds(store, "account")).toEqual([]);
  });

  it("takes the claim of another tab that was faster", () => {
    const store = storeWith();
    const slower: DeviceStore = {
      ...store,
      update: (keys, change) => {
        put(store, [OWNER, { userId: ALICE, format: 1, lifetime: "faster" }]);
        return store.update(keys, change);
      },
    };
    expect(load(slower).owner.lifetime).toBe("faster");
  });
});
