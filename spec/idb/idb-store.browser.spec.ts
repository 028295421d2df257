import { lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cdp } from "vitest/browser";
import { idbStore } from "../../src/idb/idb-store.js";
import { deviceStoreContract, outlivingStoreContract } from "../contracts/device-store.contract.js";
import { alice, bob, failureOf, idbStoreBehaviour, put, records, spyOnIndexedDB } from "./idb-store-behaviour.js";

deviceStoreContract("idbStore in Chromium", () => idbStore(crypto.randomUUID()));
outlivingStoreContract("idbStore in Chromium", () => {
  const name = crypto.randomUUID();
  return { store: idbStore(name), reopen: () => idbStore(name) };
});
idbStoreBehaviour("in Chromium");

describe("idbStore, when Chromium", () => {
  const origin = location.origin;
  afterEach(async () => {
    vi.restoreAllMocks();
    await cdp().send("Storage.overrideQuotaForOrigin", { origin });
  });

  it("has no room left, writes nothing of the update, says so, and goes on once there is room", async () => {
    // Chromium remembers for a while how much room an origin has, unless it has forgotten the origin.
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

  it("clears the site's data, which closes the connection, opens another for the next operation", async () => {
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
