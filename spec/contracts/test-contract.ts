import { lastValueFrom } from "rxjs";
import { describe, it } from "vitest";
import type { DeviceStore } from "../../src/store/device-store.js";
import { deviceStoreContract } from "../../src/testing/device-store-contract.js";

/** Runs the contract of all stores, as an application does with a store of its own. */
export function testContract(name: string, create: () => () => DeviceStore): void {
  describe(`${name}, as a device store`, () => {
    for (const { title, run } of deviceStoreContract(create)) it(title, () => lastValueFrom(run()));
  });
}
