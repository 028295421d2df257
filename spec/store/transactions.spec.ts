import { describe, expect, it } from "vitest";
import { MAX_TAIL } from "../../src/model/batch-sizes.js";
import type { UserId } from "../../src/model/ids.js";
import type { Commit } from "../../src/store/change.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { logKey, NO_SYNC, readSync, SYNC, type SyncRecord } from "../../src/store/records.js";
import { append, changedSince, commit, type Base, type CommitOutcome } from "../../src/store/transactions.js";
import { put, saved, savedIds } from "../support/saved.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { inStore, storeOfAlice } from "./in-store.js";
import { changing, commits, leaving, step, track } from "./steps.js";

const START: Base = { head: 0, position: 0 };

const syncAt = (head: number, position: number, token?: string): SyncRecord => ({
  ...NO_SYNC,
  head,
  position,
  ...(token !== undefined && { token }),
});

function commitIn(store: DeviceStore, base: Base, changes: readonly Commit[], by = "tab"): CommitOutcome {
  return inStore(store, (records) => commit(records, base, changes, by));
}

function saveIn(store: DeviceStore, ...lists: readonly (readonly [UserId, number])[]): void {
  inStore(store, (records) =>
    append(records, readSync(records.get(SYNC)) ?? NO_SYNC, { type: "save", by: "other", lists }),
  );
}

function changedIn(store: DeviceStore, base: Base, users: readonly UserId[] = [BOB, CAROL, DAVE]): readonly UserId[] {
  return inStore(store, (records) => users.filter(changedSince(records, base)));
}

describe("commit", () => {
  it("writes changes, token and head in one record of the log, and the head", () => {
    const store = storeOfAlice();
    const changes = commits(1, changing("s0", "s1", BOB), track(CAROL));
    expect(commitIn(store, START, changes)).toEqual({ committedAt: 1 });
    expect(saved(store, SYNC)).toEqual(syncAt(2, 1, "s1"));
    expect(saved(store, logKey(1))).toEqual({ type: "commits", by: "tab", commits: changes });
  });

  it("goes on from the last head and position", () => {
    const store = storeOfAlice([SYNC, syncAt(4, 9, "s4")]);
    expect(commitIn(store, { head: 4, position: 7 }, commits(5, changing("s4", "s5", BOB)))).toEqual({
      committedAt: 10,
    });
    expect(saved(store, SYNC)).toEqual(syncAt(5, 10, "s5"));
  });

  it("keeps the token if no step moves it", () => {
    const store = storeOfAlice([SYNC, syncAt(4, 4, "s4")]);
    commitIn(store, { head: 4, position: 4 }, commits(5, track(BOB), step({ everyone: "outdated" })));
    expect(saved(store, SYNC)).toEqual(syncAt(6, 5, "s4"));
  });

  it("takes the token of the last of several steps", () => {
    const store = storeOfAlice();
    commitIn(store, START, commits(1, changing("s0", "s1"), changing("s1", "s2", BOB)));
    expect(saved(store, SYNC)).toMatchObject({ token: "s2" });
  });

  it.each([
    ["has moved on", syncAt(5, 5, "s5")],
    ["is an older one", syncAt(3, 3, "s3")],
  ])("writes nothing if the head %s", (_, sync) => {
    const store = storeOfAlice([SYNC, sync]);
    expect(commitIn(store, { head: 4, position: 4 }, commits(5, track(BOB)))).toEqual({ movedTo: sync });
    expect(saved(store, SYNC)).toEqual(sync);
    expect(savedIds(store, "log")).toEqual([]);
  });

  it("writes although lists were saved in the meantime: that is no commit", () => {
    const store = storeOfAlice([SYNC, syncAt(4, 4)]);
    saveIn(store, [BOB, 4]);
    expect(commitIn(store, { head: 4, position: 4 }, commits(5, track(CAROL)))).toEqual({ committedAt: 6 });
  });

  it.each<[string, readonly (readonly [RecordKey, unknown])[]]>([
    ["damaged", [[SYNC, "?"]]],
    ["gone", []],
  ])("writes nothing if the head is %s", (_, records) => {
    const store = storeOfAlice(...records);
    expect(commitIn(store, { head: 4, position: 4 }, commits(5, track(BOB)))).toEqual({ movedTo: undefined });
    expect(savedIds(store, "log")).toEqual([]);
  });
});

describe("users who changed since a head", () => {
  const onHead4 = () => storeOfAlice([SYNC, syncAt(4, 4)]);
  const base = { head: 4, position: 4 };

  it("are none if the head is the same, whatever was saved", () => {
    const store = onHead4();
    saveIn(store, [BOB, 4]);
    expect(changedIn(store, base)).toEqual([]);
  });

  it("are those whom the commits since then name", () => {
    const store = onHead4();
    commitIn(store, base, commits(5, changing("s4", "s5", BOB)));
    saveIn(store, [CAROL, 4]);
    commitIn(store, { head: 5, position: 6 }, commits(6, leaving("s5", "s6", DAVE)));
    expect(changedIn(store, base)).toEqual([BOB, DAVE]);
    expect(changedIn(store, { head: 5, position: 5 })).toEqual([DAVE]);
  });

  it("are not those of a commit known already, in the same log record", () => {
    const store = onHead4();
    commitIn(store, base, commits(5, changing("s4", "s5", BOB), changing("s5", "s6", CAROL)));
    expect(changedIn(store, { head: 5, position: 4 })).toEqual([CAROL]);
  });

  it.each(["outdated", "untracked"] as const)("are all users if a step made everyone %s", (everyone) => {
    const store = onHead4();
    commitIn(store, base, commits(5, step({ since: "s4", next: "s5", everyone })));
    expect(changedIn(store, base)).toEqual([BOB, CAROL, DAVE]);
  });

  it.each<[string, (store: DeviceStore) => void]>([
    ["a log record is damaged", (store) => put(store, [logKey(5), "?"])],
    ["the head is damaged", (store) => put(store, [SYNC, "?"])],
    ["the log is too long to be read", (store) => put(store, [SYNC, syncAt(5, 5 + MAX_TAIL)])],
    ["the log is shorter than it was", (store) => put(store, [SYNC, syncAt(5, 3)])],
  ])("may be any if %s", (_, damage) => {
    const store = onHead4();
    commitIn(store, base, commits(5, changing("s4", "s5", BOB)));
    damage(store);
    expect(changedIn(store, base)).toEqual([BOB, CAROL, DAVE]);
  });

  it("may be any if the log was truncated beyond the base", () => {
    const store = storeOfAlice([SYNC, syncAt(9, 9)]);
    expect(changedIn(store, base)).toEqual([BOB, CAROL, DAVE]);
  });
});
