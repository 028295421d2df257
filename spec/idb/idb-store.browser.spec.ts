import { lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cdp } from "vitest/browser";
import { idbStore } from "../../src/idb/idb-store.js";
import { testContract } from "../contracts/test-contract.js";
import { announcementsBehaviour } from "./announcements-behaviour.js";
import { atomicityBehaviour } from "./atomicity-behaviour.js";
import { databaseBehaviour } from "./database-behaviour.js";
import { alice, bob, failureOf, put, records } from "./fixture.js";
import { requestsBehaviour } from "./requests-behaviour.js";
import { sleepBehaviour } from "./sleep-behaviour.js";
import { spyOnIndexedDB } from "./spy-on-indexeddb.js";

testContract("idbStore in Chromium", () => {
  const name = crypto.randomUUID();
  return () => idbStore(name);
});
databaseBehaviour("in Chromium");
atomicityBehaviour("in Chromium");
announcementsBehaviour("in Chromium");
sleepBehaviour("in Chromium", () => ({ document, window }));
requestsBehaviour("in Chromium");

describe("idbStore, if Chromium", () => {
  const origin = location.origin;
  afterEach(async () => {
    vi.restoreAllMocks();
    await cdp().send("Storage.overrideQuotaForOrigin", { origin });
  });

  it("has no room left, fails as full and writes nothing, until there is room again", async () => {
    // Chromium caches how much room an origin has until it forgets the origin.
    await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await cdp().send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
    const store = idbStore(crypto.randomUUID());
    await lastValueFrom(put(store, [alice, 1]));
    const large = put(store, [alice, 2], [bob, "x".repeat(1_000_000)]);
    const { failure, cause } = await failureOf(large);
    expect([failure, (cause as Error).name]).toEqual(["full", "QuotaExceededError"]);
    expect(await records(store)).toEqual([1, undefined]);

    await cdp().send("Storage.overrideQuotaForOrigin", { origin });
    expect(await lastValueFrom(large)).toBe("written");
  });

  it("clears the site's data, opens another connection for the next operation", async () => {
    const { databases, opening } = spyOnIndexedDB();
    const store = idbStore(crypto.randomUUID());
    await lastValueFrom(put(store, [alice, 1]));
    const closed = new Promise((resolve) => databases[0]?.addEventListener("close", resolve));
    await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await closed;
    expect(await records(store)).toEqual([undefined, undefined]);
    expect(await lastValueFrom(put(store, [alice, 2]))).toBe("written");
    expect(opening).toHaveBeenCalledTimes(2);
  });
});
