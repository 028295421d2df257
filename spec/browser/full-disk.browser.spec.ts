import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import { attackedTracker, BOB, CAROL, settledTracker } from "./attacked-tracker.js";
import { allRecords } from "./raw-database.js";

const origin = location.origin;
const leaveLittleRoom = () => cdp().send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 200_000 });
const makeRoom = () => cdp().send("Storage.overrideQuotaForOrigin", { origin });

describe("where the disk is full when a step is given", () => {
  let database: string;
  beforeEach(async () => {
    database = crypto.randomUUID();
    // Chromium remembers for a while how much room an origin has, unless it has forgotten the origin.
    await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await leaveLittleRoom();
  });
  afterEach(makeRoom);

  /** A tracker whose second step finds no room: it names Bob and thousands of others. */
  async function full() {
    const settled = await settledTracker(database);
    const before = await allRecords(database);
    settled.homeserver.addDevice(BOB, "LAPTOP");
    settled.homeserver.change(...Array.from({ length: 5_000 }, (_, i) => `@${"u".repeat(200)}${i}:example.org`));
    settled.homeserver.step();
    await settled.tellsOf("commit-failed");
    return { ...settled, before };
  }

  it("the token stays with the invalidations, lookups go on from memory, and all of it follows in order once there is room", async () => {
    const { before, homeserver, problems, durable, ask, store } = await full();
    expect(problems[0]).toMatchObject({ type: "commit-failed", error: { failure: "full" }, retryIn: 1_000 });
    expect(await ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    homeserver.addDevice(CAROL, "DESKTOP");
    homeserver.step();
    expect(await ask(CAROL)).toEqual([`${CAROL} current TABLET DESKTOP`]);
    expect(durable).toEqual(["s2"]);
    expect(await allRecords(database)).toEqual(before);

    await makeRoom();
    await expect.poll(() => durable, { timeout: 15_000 }).toEqual(["s2", "s4", "s5"]);
    expect(await firstValueFrom(store.syncToken$)).toBe("s5");
    expect(await ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET DESKTOP`]);
  });

  it("whoever starts from the store in between is on the old token, and given the step again finds the change", async () => {
    const former = await full();
    former.connection.unsubscribe();
    const next = attackedTracker(database, former.homeserver);
    const token = await firstValueFrom(next.store.syncToken$);
    expect(token).toBe("s2");
    await makeRoom();
    next.homeserver.step(token);
    expect(await next.ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    await expect.poll(() => next.durable, { timeout: 10_000 }).toEqual(["s4"]);
  });
});
