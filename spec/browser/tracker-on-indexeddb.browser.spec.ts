import { firstValueFrom, lastValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreClearedError } from "../../src/index.js";
import { idbStore } from "../../src/idb/idb-store.js";
import { allRecords } from "./raw-database.js";
import { BOB, CAROL, settledTracker, trackerOn } from "./tracker-on.js";

describe("a tracker on IndexedDB", () => {
  let database: string;
  beforeEach(() => {
    database = crypto.randomUUID();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("finds saved lists after a restart without a query", async () => {
    const before = await settledTracker(database);
    before.homeserver.addDevice(BOB, "LAPTOP");
    await before.step();
    before.tracker.close();

    const after = trackerOn(database, before.homeserver);
    expect(await firstValueFrom(after.store.syncToken$)).toBe(before.homeserver.token);
    expect(await after.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    expect(before.homeserver.queries.map(({ userIds }) => userIds)).toEqual([[BOB, CAROL], [BOB]]);
    expect([...before.problems, ...after.problems]).toEqual([]);
  });

  it("restarts from a snapshot and the log after it", async () => {
    const before = await settledTracker(database);
    for (let i = 0; i < 260; i++) {
      before.homeserver.change(CAROL);
      await before.step(); // a transaction for each step
    }
    await before.lookUp(CAROL);
    await expect.poll(async () => [...(await allRecords(database)).keys()]).toContain("snapshot/0");
    before.tracker.close();

    const after = trackerOn(database, before.homeserver);
    const { length } = before.homeserver.queries;
    expect(await after.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
    expect(before.homeserver.queries).toHaveLength(length);
    expect(after.problems).toEqual([]);
  });

  it("works from memory without IndexedDB, as in some private windows", async () => {
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const { homeserver, step, lookUp, problems } = trackerOn(database);
    homeserver.addDevice(BOB, "PHONE");
    await step();
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE`]);
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE`]);
    expect(homeserver.queries).toHaveLength(1);
    expect(problems).toMatchObject([{ type: "store-unavailable", error: { failure: "unavailable" } }]);
  });

  it("saves nothing any more after another tab has logged out", async () => {
    const { homeserver, step, lookUp, problems, tracker } = trackerOn(database);
    homeserver.addDevice(BOB, "PHONE");
    await step();
    await lastValueFrom(idbStore(database).clear());
    expect(await lookUp(BOB)).toEqual([`${BOB} superseded PHONE`]); // the save finds the store cleared
    expect(problems).toMatchObject([{ type: "store-cleared" }]);
    await expect(lookUp(BOB)).rejects.toThrow(StoreClearedError);
    await expect(firstValueFrom(tracker.synced$)).rejects.toThrow(StoreClearedError);
    expect(await allRecords(database)).toEqual(new Map());
  });
});
