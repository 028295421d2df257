import { firstValueFrom, lastValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { allRecords, overwrite } from "./raw-database.js";
import { ALICE, BOB, trackerOn } from "./tracker-on.js";

/** What format 1 kept of Alice's account and one tracked user. */
const FORMAT_1: readonly (readonly [RecordKey, unknown])[] = [
  [["account", "owner"], { userId: ALICE, format: 1, lifetime: "then" }],
  [["account", "sync"], { token: "s9", revision: 3, steps: [{ since: "s8", next: "s9", revision: 3 }] }],
  [["account", "epoch"], 1],
  [["state", BOB], { revision: 2, listed: 2 }],
  [["list", BOB], { revision: 2, list: { deviceKeys: new Map() } }],
  [["pins", BOB], { devices: new Map([["PHONE", "key"]]) }],
  [["claims/curve25519", "key"], [{ userId: BOB, deviceId: "PHONE" }]],
];

describe("a database of format 1", () => {
  let database: string;
  beforeEach(async () => {
    database = crypto.randomUUID();
    await lastValueFrom(idbStore(database).update([], () => ({ puts: FORMAT_1, deletes: [], result: undefined })));
  });

  it("is replaced and reported, and sync starts over", async () => {
    const { store, tracker, homeserver, problems, step, lookUp } = trackerOn(database);
    expect(await firstValueFrom(store.syncToken$)).toBeUndefined();
    expect(await firstValueFrom(tracker.trackedUsers$)).toEqual(new Set([ALICE]));
    expect(problems).toMatchObject([{ type: "store-replaced", format: 1 }]);
    homeserver.addDevice(BOB, "PHONE");
    await step();
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE`]);
    const kinds = Array.from((await allRecords(database)).keys(), (key) => key.split("/")[0]);
    expect(new Set(kinds)).toEqual(new Set(["account", "log", "list"]));

    const next = trackerOn(database, homeserver);
    expect(await next.lookUp(BOB)).toEqual([`${BOB} current PHONE`]);
    expect(next.problems).toEqual([]);
  });

  it("is replaced once by tabs that start at the same time", async () => {
    const tabs = [trackerOn(database), trackerOn(database), trackerOn(database)];
    for (const { tracker } of tabs) await firstValueFrom(tracker.trackedUsers$);
    await tabs[0]!.track(BOB);
    for (const { tracker } of tabs)
      await expect.poll(() => firstValueFrom(tracker.trackedUsers$)).toEqual(new Set([ALICE, BOB]));
    for (const { problemTypes } of tabs) expect(problemTypes()).not.toContain("store-cleared");
  });
});

describe("a database of format 4, which had another text", () => {
  it("is replaced and reported", async () => {
    const database = crypto.randomUUID();
    await lastValueFrom(idbStore(database).update([], () => ({ puts: FORMAT_1, deletes: [], result: undefined })));
    const owner = { json: JSON.stringify({ userId: ALICE, format: 4, lifetime: "then" }) };
    await overwrite(database, ["account", "owner"], owner);
    const { tracker, problems } = trackerOn(database);
    expect(await firstValueFrom(tracker.trackedUsers$)).toEqual(new Set([ALICE]));
    expect(problems).toMatchObject([{ type: "store-replaced", format: 4 }]);
  });
});
