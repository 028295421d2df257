import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_TAIL } from "../../src/model/batch-sizes.js";
import { StoreClearedError } from "../../src/model/errors.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { readMissing, type Missing } from "../../src/store/read-missing.js";
import { logKey, NO_SYNC, readSync, SYNC } from "../../src/store/records.js";
import { append, commit, type Base } from "../../src/store/transactions.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { put } from "../support/saved.js";
import { BOB, CAROL } from "../support/users.js";
import { inStore, OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { changing, commits, leaving, track } from "./steps.js";

const [first, second] = [commits(1, track(BOB)), commits(2, leaving("s0", "s1", BOB), changing("s1", "s2", CAROL))];

/** A store with three log records: commit 1, a save, and commits 2 and 3. */
function storeWithLog(): DeviceStore {
  const store = storeOfAlice();
  inStore(store, (records) => commit(records, { head: 0, position: 0 }, first, "a"));
  inStore(store, (records) =>
    append(records, readSync(records.get(SYNC)) ?? NO_SYNC, { type: "save", by: "other", lists: [[BOB, 1]] }),
  );
  inStore(store, (records) => commit(records, { head: 1, position: 2 }, second, "b"));
  return store;
}

function missing(store: DeviceStore, base: Base): Missing {
  const found: Missing[] = [];
  readMissing(store, OWNED_BY_ALICE, base, new VirtualTimeScheduler()).subscribe((one) => found.push(one));
  return found[0]!;
}

describe("what a clone is missing", () => {
  it("is nothing at the end of the log, which one read finds out", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const found = missing(countingStore(log, storeWithLog()), { head: 3, position: 3 });
    expect(found).toEqual({ type: "tail", position: 3, records: [] });
    expect(log.reads).toEqual([["account/owner", "account/sync"]]);
  });

  it("is nothing in a store that is still empty", () => {
    expect(missing(storeOfAlice(), { head: 0, position: 0 })).toMatchObject({ type: "tail", records: [] });
  });

  it("is what was appended since its position", () => {
    expect(missing(storeWithLog(), { head: 1, position: 1 })).toEqual({
      type: "tail",
      position: 3,
      records: [
        { type: "save", by: "other", lists: [[BOB, 1]] },
        { type: "commits", by: "b", commits: second },
      ],
    });
  });

  it("is what was saved if the head has not moved", () => {
    const store = storeWithLog();
    inStore(store, (records) =>
      append(records, readSync(records.get(SYNC)) ?? NO_SYNC, { type: "save", by: "other", lists: [[CAROL, 3]] }),
    );
    expect(missing(store, { head: 3, position: 3 })).toMatchObject({ type: "tail", records: [{ type: "save" }] });
  });

  const sync = (head: number, position: number) => ({ ...NO_SYNC, head, position });
  it.each<[string, (store: DeviceStore) => void, Base]>([
    ["a record of the log is gone", (store) => put(store, [logKey(2), undefined]), { head: 1, position: 1 }],
    ["a record of the log is damaged", (store) => put(store, [logKey(3), "?"]), { head: 1, position: 1 }],
    ["the log does not lead to the head", (store) => put(store, [SYNC, sync(9, 3)]), { head: 1, position: 1 }],
    ["the head is damaged", (store) => put(store, [SYNC, "?"]), { head: 1, position: 1 }],
    ["the log is too long", (store) => put(store, [SYNC, sync(9, MAX_TAIL + 2)]), { head: 1, position: 1 }],
    ["the log is shorter than the clone's", () => {}, { head: 3, position: 9 }],
    ["the head is behind the clone's", (store) => put(store, [SYNC, sync(2, 3)]), { head: 3, position: 3 }],
  ])("is everything if %s", (_, damage, base) => {
    const store = storeWithLog();
    damage(store);
    expect(missing(store, base).type).toBe("everything");
  });

  it("cannot be known after the store was cleared", () => {
    const store = storeWithLog();
    const errors: unknown[] = [];
    const read = () =>
      readMissing(
        store,
        { ...OWNED_BY_ALICE, lifetime: "y" },
        { head: 1, position: 1 },
        new VirtualTimeScheduler(),
      ).subscribe({
        error: (error: unknown) => errors.push(error),
      });
    read();
    store.clear().subscribe();
    read();
    expect(errors).toEqual([new StoreClearedError(), new StoreClearedError()]);
  });
});
