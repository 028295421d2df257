import { asyncScheduler, filter, firstValueFrom, lastValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cdp } from "vitest/browser";
import { DeviceTracker, StoreClearedError, type TrackerProblem } from "../../src/index.js";
import { idbStore } from "../../src/idb/idb-store.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";

const ALICE = "@alice:example.org";
const BOB = "@bob:example.org";
const CAROL = "@carol:example.org";

/** A tracker over a real IndexedDB, connected, with Bob and his phone announced. */
async function trackerOn(database: string, homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler })) {
  const store = idbStore(database);
  const tracker = new DeviceTracker({
    userId: ALICE,
    sync$: homeserver.sync$,
    keysApi: homeserver.keysApi,
    store,
    queryDeadline: 5_000,
  });
  const problems: TrackerProblem[] = [];
  tracker.problems$.subscribe((problem) => problems.push(problem));
  tracker.synced$.subscribe({ error: () => {} }); // or its end would be reported as unhandled
  const connection = tracker.connect();
  const step = async () => {
    const durable = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === homeserver.token)));
    homeserver.step();
    await durable;
  };
  const ask = async (...users: readonly string[]) =>
    Array.from(
      await firstValueFrom(tracker.getDeviceKeys(users)),
      ([user, { freshness, deviceKeys }]) => `${user} ${freshness} ${[...deviceKeys.keys()].join(" ")}`,
    );
  return { store, tracker, homeserver, problems, connection, step, ask };
}

describe("a tracker on IndexedDB", () => {
  let database: string;
  const origin = location.origin;
  beforeEach(() => {
    database = crypto.randomUUID();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await cdp().send("Storage.overrideQuotaForOrigin", { origin });
  });

  it("finds after a restart what was saved, without asking, and what was announced meanwhile", async () => {
    const before = await trackerOn(database);
    before.homeserver.addDevice(BOB, "PHONE");
    before.homeserver.addDevice(CAROL, "TABLET");
    await before.step();
    expect(await before.ask(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
    before.homeserver.addDevice(BOB, "LAPTOP");
    await before.step();
    before.connection.unsubscribe();

    const after = await trackerOn(database, before.homeserver);
    expect(await firstValueFrom(after.store.syncToken$)).toBe(before.homeserver.token);
    expect(await after.ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    expect(before.homeserver.queries.map(({ userIds }) => userIds)).toEqual([[BOB, CAROL], [BOB]]);
    expect([...before.problems, ...after.problems]).toEqual([]);
  });

  it("says so when the disk is full, and goes on from memory", async () => {
    await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await cdp().send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
    const { homeserver, step, ask, problems } = await trackerOn(database);
    for (let i = 0; i < 40; i++)
      homeserver.addDevice(BOB, `DEVICE${i}`, { unsigned: { device_display_name: "x".repeat(50_000) } });
    await step();
    const [first] = await ask(BOB);
    expect(first).toContain(`${BOB} current DEVICE0`);
    expect(problems).toMatchObject([{ type: "save-failed", userIds: [BOB], error: { failure: "full" } }]);
    expect(await ask(BOB)).toEqual([first]);
    expect(homeserver.queries).toHaveLength(1);
  });

  it("says so where there is no IndexedDB, as in some private windows, and goes on in memory", async () => {
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const { homeserver, step, ask, problems } = await trackerOn(database);
    homeserver.addDevice(BOB, "PHONE");
    await step();
    expect(await ask(BOB)).toEqual([`${BOB} current PHONE`]);
    expect(await ask(BOB)).toEqual([`${BOB} current PHONE`]);
    expect(homeserver.queries).toHaveLength(1);
    expect(problems).toMatchObject([{ type: "store-unavailable", error: { failure: "unavailable" } }]);
  });

  it("saves nothing any more once another tab has logged out, and says so", async () => {
    const { homeserver, step, ask, problems, tracker } = await trackerOn(database);
    homeserver.addDevice(BOB, "PHONE");
    await step();
    const otherTab = idbStore(database);
    await lastValueFrom(otherTab.clear());
    await expect(ask(BOB)).rejects.toThrow(StoreClearedError); // it looks whether another tab has the list
    expect(problems).toMatchObject([{ type: "store-cleared" }]);
    await expect(firstValueFrom(tracker.getDeviceKeys([BOB]))).rejects.toThrow(StoreClearedError);
    expect(await firstValueFrom(otherTab.readKinds(["account", "state", "list"]))).toEqual([
      new Map(),
      new Map(),
      new Map(),
    ]);
  });
});
