import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Change } from "../../src/store/change.js";
import { emptyClone, follow, followSave, type Clone } from "../../src/store/clone.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { readAccount } from "../../src/store/load.js";
import { logKey, NO_SYNC, readSync, snapshotKey, SYNC, type SyncRecord } from "../../src/store/records.js";
import { isSnapshotDue, writeSnapshot, type Committed } from "../../src/store/snapshot.js";
import { append, commit } from "../../src/store/transactions.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { inStore, OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { changing, commits, leaving, step, track, usersOf } from "./steps.js";

/** Commits changes one by one, each in a record of its own, and returns the clone of the tracker that did. */
function history(store: DeviceStore, ...changes: readonly Change[]): Clone {
  const clone = emptyClone(ALICE);
  for (const change of changes) {
    const next = commits(clone.head + 1, change);
    inStore(store, (records) => commit(records, clone, next, "tab"));
    follow(clone, next, clone.position + 1);
  }
  return clone;
}

function save(store: DeviceStore, ...lists: Parameters<typeof followSave>[1]): void {
  inStore(store, (records) =>
    append(records, readSync(records.get(SYNC)) ?? NO_SYNC, { type: "save", by: "other", lists }),
  );
}

const snapshot = (store: DeviceStore, committed: Committed, index = 0): boolean =>
  inStore(store, (records) => writeSnapshot(records, committed, () => index, new Map()));

function loaded(store: DeviceStore): { readonly users: readonly string[]; readonly state: unknown } {
  const states: ReturnType<typeof loaded>[] = [];
  readAccount(store, OWNED_BY_ALICE, new VirtualTimeScheduler()).subscribe(({ state, damaged }) => {
    expect(damaged).toEqual(new Map());
    states.push({ users: usersOf({ users: new Map(state.users) }), state });
  });
  return states[0]!;
}

describe("a snapshot", () => {
  it("leaves the saved state as it is", () => {
    const store = storeOfAlice();
    const clone = history(store, changing("s0", "s1", BOB, CAROL), changing("s1", "s2", BOB));
    const before = loaded(store);
    expect(snapshot(store, clone)).toBe(true);
    expect(loaded(store)).toEqual(before);
    expect(before.users).toEqual(["alice@0 none", "bob@2 none", "carol@1 none"]);
  });

  it("folds in saves, those that the tracker has not followed included", () => {
    const store = storeOfAlice();
    const clone = history(store, track(BOB, CAROL, "@dave:example.org"));
    followSave(clone, [[BOB, 1]]);
    save(store, [BOB, 1], [CAROL, 1]);
    const later = history(storeOfAlice(), track(BOB, CAROL, "@dave:example.org"));
    expect(snapshot(store, later)).toBe(true);
    expect(saved(store, snapshotKey(0))).toEqual([
      [ALICE, 0, 0],
      [BOB, 1, 2],
      [CAROL, 1, 2],
      ["@dave:example.org", 1, 0],
    ]);
  });

  it("keeps in mind that an outdated user has a list", () => {
    const store = storeOfAlice();
    const clone = history(store, track(BOB));
    save(store, [BOB, 1]);
    followSave(clone, [[BOB, 1]]);
    inStore(store, (records) => commit(records, clone, commits(2, changing("s0", "s1", BOB)), "tab"));
    follow(clone, commits(2, changing("s0", "s1", BOB)), 3);
    snapshot(store, clone);
    expect(loaded(store).users).toEqual(["alice@0 none", "bob@2 outdated"]);
  });

  it("has about 1,000 users to a record", () => {
    const store = storeOfAlice();
    const users = crowd(2_500);
    const clone = history(store, track(...users));
    snapshot(store, clone);
    expect(savedIds(store, "snapshot")).toEqual(["0", "1", "2"]);
    expect(loaded(store).users).toHaveLength(2_501);
  });

  it("deletes the records that a longer snapshot before it had", () => {
    const store = storeOfAlice();
    const clone = history(store, track(...crowd(2_500)));
    snapshot(store, clone);
    const [, ...others] = crowd(2_500);
    inStore(store, (records) => commit(records, clone, commits(2, leaving("s0", "s1", ...others)), "tab"));
    follow(clone, commits(2, leaving("s0", "s1", ...others)), 2);
    snapshot(store, clone);
    expect(savedIds(store, "snapshot")).toEqual(["0"]);
    expect(loaded(store).users).toEqual(["alice@0 none", "user0@1 none"]);
  });

  it("keeps the log since the snapshot before it, for tabs that are a little behind", () => {
    const store = storeOfAlice();
    const clone = history(store, track(BOB), leaving("s0", "s1", BOB));
    snapshot(store, clone);
    expect(savedIds(store, "log")).toEqual(["1", "2"]);
    inStore(store, (records) => commit(records, clone, commits(3, track(CAROL)), "tab"));
    follow(clone, commits(3, track(CAROL)), 3);
    snapshot(store, clone);
    expect(savedIds(store, "log")).toEqual(["3"]);
    expect(saved(store, SYNC)).toMatchObject({ head: 3, position: 3, snapshot: { position: 3, head: 3, oldest: 3 } });
  });

  it("records how many records of the index there are", () => {
    const store = storeOfAlice();
    snapshot(store, history(store, track(BOB)), 4);
    expect(saved(store, SYNC)).toMatchObject({ snapshot: { index: 4 } });
  });

  it.each<[string, (store: DeviceStore) => void]>([
    ["if the head has moved", (store) => inStore(store, (records) => commit(records, at(1), more, "other"))],
    ["if the head is damaged", (store) => put(store, [SYNC, "?"])],
  ])("is not written %s", (_, happen) => {
    const store = storeOfAlice();
    const clone = history(store, track(BOB));
    happen(store);
    expect(snapshot(store, clone)).toBe(false);
    expect(savedIds(store, "snapshot")).toEqual([]);
    expect(savedIds(store, "log")).toContain("1");
  });
});

const at = (head: number) => ({ head, position: head });
const more = commits(2, step({ next: "s1" }));

describe("whether a snapshot is due", () => {
  const sync = (position: number): SyncRecord => ({
    ...NO_SYNC,
    position,
    snapshot: { ...NO_SYNC.snapshot, position: 1_000 },
  });

  it.each([
    [0, 1_249, false],
    [0, 1_250, true],
    [25_000, 1_250, true],
    [100_000, 1_999, false],
    [100_000, 2_000, true],
  ])("with %d users tracked and the log at %d: %s", (users, position, isDue) => {
    expect(isSnapshotDue(sync(position), users)).toBe(isDue);
  });
});

it("a truncated log is not read", () => {
  const store = storeOfAlice();
  const clone = history(store, track(BOB), track(CAROL));
  snapshot(store, clone);
  put(store, [logKey(1), "?"]);
  expect(loaded(store).users).toEqual(["alice@0 none", "bob@1 none", "carol@2 none"]);
});
