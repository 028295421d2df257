import { asyncScheduler, firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import { StoreClearedError } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ALICE, trackerOn, BOB, CAROL, settledTracker } from "./tracker-on.js";
import { allRecords, deleteDatabase } from "./raw-database.js";

/** Two ways in which a database can be deleted under a running tracker. */
const deletions = [
  ["another tab deletes the database", async (name: string) => void (await deleteDatabase(name))],
  [
    "the browser deletes all data of the site",
    async () =>
      void (await cdp().send("Storage.clearDataForOrigin", { origin: location.origin, storageTypes: "indexeddb" })),
  ],
] as const;

describe.each(deletions)("when %s", (_, deletes) => {
  let database: string;
  beforeEach(() => {
    database = crypto.randomUUID();
  });

  it("an idle tracker ends at the next step and writes nothing", async () => {
    const { homeserver, tracker, problemTypes, durable, lookUp, connection } = await settledTracker(database);
    await deletes(database);
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await expect.poll(() => durable).toEqual(["s2", expect.any(StoreClearedError)]);
    expect(problemTypes()).toEqual(["store-cleared"]);
    expect(connection.closed).toBe(true);
    await expect(lookUp(BOB)).rejects.toThrow(StoreClearedError);
    await expect(firstValueFrom(tracker.getKnownDeviceKeys([CAROL]))).rejects.toThrow(StoreClearedError);
    await expect(firstValueFrom(tracker.synced$)).rejects.toThrow(StoreClearedError);
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("the answer to a query in flight is superseded and not saved", async () => {
    const { homeserver, problemTypes, lookUp, step } = await settledTracker(database);
    homeserver.addDevice(BOB, "LAPTOP");
    await step();
    homeserver.answerAfter = 300;
    const asked = lookUp(BOB);
    await expect.poll(() => homeserver.queries.length).toBe(2);
    await deletes(database);
    expect(await asked).toEqual([`${BOB} superseded PHONE LAPTOP`]);
    expect(problemTypes()).toEqual(["store-cleared"]);
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("a step being committed is durable before it, or writes nothing", async () => {
    const { homeserver, durable } = await settledTracker(database);
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await deletes(database);
    homeserver.addDevice(BOB, "WATCH");
    homeserver.step();
    await expect.poll(() => durable.at(-1)).toBeInstanceOf(StoreClearedError);
    expect(durable.slice(0, -1)).not.toContain("s4");
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("a new tracker starts empty, and the former one leaves it alone", async () => {
    const former = await settledTracker(database);
    await deletes(database);
    const next = trackerOn(database, new ScriptedHomeserver({ scheduler: asyncScheduler }));
    expect(await firstValueFrom(next.store.syncToken$)).toBeUndefined();
    expect(await firstValueFrom(next.tracker.trackedUsers$)).toEqual(new Set([ALICE]));
    expect(await next.lookUp(BOB)).toEqual([`${BOB} untracked `]);
    await next.step();
    const saved = await allRecords(database);

    former.homeserver.addDevice(BOB, "LAPTOP");
    former.homeserver.step();
    await former.reports("store-cleared");
    expect(await allRecords(database)).toEqual(saved);
    expect(next.problems).toEqual([]);
  });
});
