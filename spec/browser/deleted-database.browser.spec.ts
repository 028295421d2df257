import { asyncScheduler, firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import { StoreClearedError } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ALICE, attackedTracker, BOB, CAROL, settledTracker } from "./attacked-tracker.js";
import { allRecords, deleteDatabase } from "./raw-database.js";

/** Two ways in which everything may be gone behind the tracker's back. */
const deletions = [
  ["another tab deletes the database", async (name: string) => void (await deleteDatabase(name))],
  [
    "the browser throws away all data of the site",
    async () =>
      void (await cdp().send("Storage.clearDataForOrigin", { origin: location.origin, storageTypes: "indexeddb" })),
  ],
] as const;

describe.each(deletions)("where %s", (_, deletes) => {
  let database: string;
  beforeEach(() => {
    database = crypto.randomUUID();
  });

  it("an idle tracker finds it cleared at the next step, is done, and writes nothing", async () => {
    const { homeserver, tracker, types, durable, ask, connection } = await settledTracker(database);
    await deletes(database);
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await expect.poll(() => durable).toEqual(["s2", expect.any(StoreClearedError)]);
    expect(types()).toEqual(["store-cleared"]);
    expect(connection.closed).toBe(true);
    await expect(ask(BOB)).rejects.toThrow(StoreClearedError);
    await expect(firstValueFrom(tracker.getKnownDeviceKeys([CAROL]))).rejects.toThrow(StoreClearedError);
    await expect(firstValueFrom(tracker.synced$)).rejects.toThrow(StoreClearedError);
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("the answer to a query in flight is superseded and not saved", async () => {
    const { homeserver, types, ask, step } = await settledTracker(database);
    homeserver.addDevice(BOB, "LAPTOP");
    await step();
    homeserver.answerAfter = 300;
    const asked = ask(BOB);
    await expect.poll(() => homeserver.queries.length).toBe(2);
    await deletes(database);
    expect(await asked).toEqual([`${BOB} superseded PHONE LAPTOP`]);
    expect(types()).toEqual(["store-cleared"]);
    expect(await allRecords(database)).toEqual(new Map());
  });

  it("a step whose commit is on its way is either durable before it or brings nothing back", async () => {
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

  it("a new tracker of that name begins from nothing, and the former one leaves what it then saves alone", async () => {
    const former = await settledTracker(database);
    await deletes(database);
    const next = attackedTracker(database, new ScriptedHomeserver({ scheduler: asyncScheduler }));
    expect(await firstValueFrom(next.store.syncToken$)).toBeUndefined();
    expect(await firstValueFrom(next.tracker.trackedUsers$)).toEqual(new Set([ALICE]));
    expect(await next.ask(BOB)).toEqual([`${BOB} untracked `]);
    await next.step();
    const saved = await allRecords(database);

    former.homeserver.addDevice(BOB, "LAPTOP");
    former.homeserver.step();
    await former.tellsOf("store-cleared");
    expect(await allRecords(database)).toEqual(saved);
    expect(next.problems).toEqual([]);
  });
});
