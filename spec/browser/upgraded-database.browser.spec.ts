import { firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { trackerOn, BOB, CAROL, settledTracker } from "./tracker-on.js";
import { allRecords, deleteDatabase, openDatabase } from "./raw-database.js";

const upgrades = [
  ["adding an object store", (database: IDBDatabase) => void database.createObjectStore("more")],
  ["deleting ours", (database: IDBDatabase) => database.deleteObjectStore("records")],
] as const;

describe("when another tab upgrades the database", () => {
  let database: string;
  beforeEach(() => {
    database = crypto.randomUUID();
  });

  it.each(upgrades)("%s, it is not blocked, and lookups go on from memory", async (_, upgrade) => {
    const { homeserver, problems, durable, lookUp } = await settledTracker(database);
    (await openDatabase(database, 2, upgrade)).close();
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await expect
      .poll(() => problems)
      .toMatchObject([{ type: "commit-failed", error: { failure: "newer" }, retryIn: 1_000 }]);
    expect(await lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    expect(problems[1]).toMatchObject({ type: "save-failed", userIds: [BOB], error: { failure: "newer" } });
    await expect.poll(() => problems[2], { timeout: 5_000 }).toMatchObject({ type: "commit-failed", retryIn: 2_000 });
    expect(durable).toEqual(["s2"]);
  });

  it("its records stay as they were before the step that could not be committed", async () => {
    const { homeserver, reports } = await settledTracker(database);
    const before = await allRecords(database);
    (await openDatabase(database, 2, (upgraded) => void upgraded.createObjectStore("more"))).close();
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await reports("commit-failed");
    expect(await allRecords(database)).toEqual(before);
  });

  it.each(upgrades)("%s, a new tracker reports it and starts from empty memory", async (_, upgrade) => {
    const former = await settledTracker(database);
    former.connection.unsubscribe();
    (await openDatabase(database, 2, upgrade)).close();
    const next = trackerOn(database, former.homeserver);
    expect(await next.lookUp(BOB)).toEqual([`${BOB} untracked PHONE`]);
    expect(next.problems).toMatchObject([{ type: "store-unavailable", error: { failure: "newer" } }]);
    next.homeserver.addDevice(BOB, "LAPTOP");
    await next.step();
    expect(await next.lookUp(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
  });

  it("and deletes it then, the failing tracker finds it cleared", async () => {
    const { homeserver, reports } = await settledTracker(database);
    (await openDatabase(database, 2)).close();
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await reports("commit-failed");
    await deleteDatabase(database);
    await reports("store-cleared");
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("another connection of the same version does not disturb a tracker", async () => {
    const { step, lookUp, problems, homeserver, store } = await settledTracker(database);
    const other = await openDatabase(database);
    homeserver.addDevice(BOB, "LAPTOP");
    await step();
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
    expect(await firstValueFrom(store.syncToken$)).toBe("s3");
    expect(problems).toEqual([]);
    other.close();
  });
});
