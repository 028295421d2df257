import { firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { attackedTracker, BOB, CAROL, settledTracker } from "./attacked-tracker.js";
import { allRecords, deleteDatabase, openDatabase } from "./raw-database.js";

const upgrades = [
  ["adding an object store", (database: IDBDatabase) => void database.createObjectStore("more")],
  ["moving everything elsewhere", (database: IDBDatabase) => database.deleteObjectStore("records")],
] as const;

describe("where another tab upgrades the database", () => {
  let database: string;
  beforeEach(() => {
    database = crypto.randomUUID();
  });

  it.each(upgrades)(
    "%s, nobody blocks it; lookups go on from memory, and nothing is called durable",
    async (_, upgrade) => {
      const { homeserver, problems, durable, ask } = await settledTracker(database);
      (await openDatabase(database, 2, upgrade)).close();
      homeserver.addDevice(BOB, "LAPTOP");
      homeserver.step();
      await expect
        .poll(() => problems)
        .toMatchObject([{ type: "commit-failed", error: { failure: "newer" }, retryIn: 1_000 }]);
      expect(await ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
      expect(problems[1]).toMatchObject({ type: "save-failed", userIds: [BOB], error: { failure: "newer" } });
      await expect.poll(() => problems[2], { timeout: 5_000 }).toMatchObject({ type: "commit-failed", retryIn: 2_000 });
      expect(durable).toEqual(["s2"]);
    },
  );

  it("the records that it keeps are as they were before the step that could not be committed", async () => {
    const { homeserver, tellsOf } = await settledTracker(database);
    const before = await allRecords(database);
    (await openDatabase(database, 2, (upgraded) => void upgraded.createObjectStore("more"))).close();
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await tellsOf("commit-failed");
    expect(await allRecords(database)).toEqual(before);
  });

  it.each(upgrades)(
    "%s, a new tracker says so and works from memory, which starts from nothing",
    async (_, upgrade) => {
      const former = await settledTracker(database);
      former.connection.unsubscribe();
      (await openDatabase(database, 2, upgrade)).close();
      const next = attackedTracker(database, former.homeserver);
      expect(await next.ask(BOB)).toEqual([`${BOB} untracked PHONE`]);
      expect(next.problems).toMatchObject([{ type: "store-unavailable", error: { failure: "newer" } }]);
      next.homeserver.addDevice(BOB, "LAPTOP");
      await next.step();
      expect(await next.ask(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
    },
  );

  it("and is undone by deleting the database, the tracker that was failing finds it cleared", async () => {
    const { homeserver, tellsOf } = await settledTracker(database);
    (await openDatabase(database, 2)).close();
    homeserver.step();
    await tellsOf("commit-failed");
    await deleteDatabase(database);
    await tellsOf("store-cleared");
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("while it has another connection open, at the version it was, a tracker goes on as if nothing had been", async () => {
    const { step, ask, problems, homeserver, store } = await settledTracker(database);
    const other = await openDatabase(database);
    homeserver.addDevice(BOB, "LAPTOP");
    await step();
    expect(await ask(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
    expect(await firstValueFrom(store.syncToken$)).toBe("s3");
    expect(problems).toEqual([]);
    other.close();
  });
});
