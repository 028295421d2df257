import { describe, expect, it } from "vitest";
import { logKey, OWNER, SYNC } from "../../src/store/records.js";
import type { SavedRecords } from "../../src/store/saved-records.js";
import { CLEARED, transact } from "../../src/store/transact.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles } from "../support/marbles.js";
import { saved, savedIds, storeWith } from "../support/saved.js";
import { OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";

const [A, B] = [logKey(1), logKey(2)];

/** Follows records that name the next one, and writes the last; `runs` counts how often it began. */
function follower() {
  const runs = { count: 0 };
  const apply = (records: SavedRecords) => {
    runs.count++;
    records.set(logKey(100 + runs.count), "touched");
    let position = 1;
    records.need([logKey(position)]);
    for (let next = records.get(A); typeof next === "number"; next = records.get(logKey(position))) {
      position = next;
      records.need([logKey(position)]);
    }
    records.set(logKey(position), "end");
    return { result: position };
  };
  return { runs, apply };
}

describe("transact", () => {
  it("passes the named records to the function, and writes what it sets", () => {
    const store = storeOfAlice([A, "a"]);
    const results: unknown[] = [];
    transact(store, OWNED_BY_ALICE, [A, B], (records) => {
      records.set(B, records.get(A));
      return { result: records.get(SYNC) };
    }).subscribe((result) => results.push(result));
    expect(results).toEqual([undefined]);
    expect(saved(store, B)).toBe("a");
  });

  it("announces what the function says, once it is durable", () => {
    const store = storeOfAlice();
    const announced: unknown[] = [];
    store.commits$.subscribe((announcement) => announced.push(announcement, saved(store, A)));
    transact(store, OWNED_BY_ALICE, [A], (records) => {
      records.set(A, "written");
      return { result: 1, announce: "news" };
    }).subscribe();
    expect(announced).toEqual(["news", "written"]);
  });

  it("runs the function again with records that it turns out to need", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeOfAlice([A, 2], [B, 3]));
    const { runs, apply } = follower();
    const results: unknown[] = [];
    transact(store, OWNED_BY_ALICE, [], apply).subscribe((result) => results.push(result));
    expect(results).toEqual([3]);
    expect(runs.count).toBe(4);
    expect(log.writes).toEqual([[], [], [], ["log/104", "log/3"]]);
    expect(log.reads.at(-1)).toEqual(["account/owner", "account/sync", "log/1", "log/2", "log/3"]);
  });

  it("reads each record once, however often it is named", () => {
    const log: StoreLog = { reads: [], writes: [] };
    const store = countingStore(log, storeOfAlice());
    transact(store, OWNED_BY_ALICE, [A, SYNC, A, ["list", "1"]], () => ({ result: 1 })).subscribe();
    expect(log.reads).toEqual([["account/owner", "account/sync", "log/1", "list/1"]]);
  });

  it("fails with what the function throws, and writes nothing", () => {
    const store = storeOfAlice();
    const errors: unknown[] = [];
    transact(store, OWNED_BY_ALICE, [A], (records) => {
      records.set(A, "written");
      throw new Error("broken");
    }).subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toEqual([new Error("broken")]);
    expect(saved(store, A)).toBeUndefined();
  });

  it.each([
    ["was cleared", []],
    ["was cleared and used again", [[OWNER, { ...OWNED_BY_ALICE, lifetime: "y" }] as const]],
    ["has a damaged owner", [[OWNER, "?"] as const]],
  ])("does not run the function if the store %s", (_, records) => {
    const store = storeWith(...records);
    const results: unknown[] = [];
    transact(store, OWNED_BY_ALICE, [], () => {
      throw new Error("it must not run");
    }).subscribe((result) => results.push(result));
    expect(results).toEqual([CLEARED]);
    expect(savedIds(store, "log")).toEqual([]);
  });

  it(
    "checks the owner again if it runs the function again",
    marbles((m) => {
      const records = storeOfAlice();
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 3, records });
      m.acts("----c", { c: () => records.clear().subscribe() });
      m.expectObservable(transact(store, OWNED_BY_ALICE, [], follower().apply)).toBe("------(c|)", { c: CLEARED });
      m.afterwards(() => {
        expect(savedIds(records, "log")).toEqual([]);
      });
    }),
  );
});
