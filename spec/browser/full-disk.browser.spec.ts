import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import { trackerOn, BOB, CAROL, settledTracker } from "./tracker-on.js";
import { allRecords } from "./raw-database.js";

const origin = location.origin;
const limitTo = (quotaSize: number) => cdp().send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
const makeRoom = () => cdp().send("Storage.overrideQuotaForOrigin", { origin });

describe("when the disk is full", () => {
  let database: string;
  beforeEach(async () => {
    database = crypto.randomUUID();
    // Chromium caches the quota of an origin for a while, unless the origin has no data.
    await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await limitTo(200_000);
  });
  afterEach(makeRoom);

  /** A tracker whose second step does not fit: it names Bob and thousands of others. */
  async function full() {
    const settled = await settledTracker(database);
    const before = await allRecords(database);
    settled.homeserver.addDevice(BOB, "LAPTOP");
    settled.homeserver.change(...Array.from({ length: 5_000 }, (_, i) => `@${"u".repeat(200)}${i}:example.org`));
    settled.homeserver.step();
    await settled.reports("commit-failed");
    return { ...settled, before };
  }

  it("lookups go on from memory, and steps are committed once there is room", async () => {
    const { before, homeserver, problems, durable, lookUp, store } = await full();
    expect(problems[0]).toMatchObject({ type: "commit-failed", error: { failure: "full" }, retryIn: 1_000 });
    expect(await lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    homeserver.addDevice(CAROL, "DESKTOP");
    homeserver.step();
    expect(await lookUp(CAROL)).toEqual([`${CAROL} current TABLET DESKTOP`]);
    expect(durable).toEqual(["s2"]);
    expect(await allRecords(database)).toEqual(before);

    await makeRoom();
    await expect.poll(() => durable, { timeout: 15_000 }).toEqual(["s2", "s4", "s5"]);
    expect(await firstValueFrom(store.syncToken$)).toBe("s5");
    expect(await lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET DESKTOP`]);
  });

  it("a tracker that starts in between is on the old token", async () => {
    const former = await full();
    former.connection.unsubscribe();
    const next = trackerOn(database, former.homeserver);
    const token = await firstValueFrom(next.store.syncToken$);
    expect(token).toBe("s2");
    await makeRoom();
    next.homeserver.step(token);
    expect(await next.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    await expect.poll(() => next.durable, { timeout: 10_000 }).toEqual(["s4"]);
  });

  it("lists that cannot be saved stay in memory, and that is reported", async () => {
    const { homeserver, step, lookUp, problems } = trackerOn(database);
    for (let i = 0; i < 40; i++)
      homeserver.addDevice(BOB, `DEVICE${i}`, { unsigned: { device_display_name: "x".repeat(50_000) } });
    await step();
    const [first] = await lookUp(BOB);
    expect(first).toContain(`${BOB} current DEVICE0`);
    expect(problems).toMatchObject([{ type: "save-failed", userIds: [BOB], error: { failure: "full" } }]);
    expect(await lookUp(BOB)).toEqual([first]);
    expect(homeserver.queries).toHaveLength(1);
  });
});
