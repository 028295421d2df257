import { defer, endWith, ignoreElements, type Observable } from "rxjs";
import type { DeviceStore } from "../store/device-store.js";
import { announcing } from "./contract/announcing.js";
import { deleting } from "./contract/deleting.js";
import { reading } from "./contract/reading.js";
import { syncToken } from "./contract/sync-token.js";
import { updating } from "./contract/updating.js";
import { values } from "./contract/values.js";

/** A test of one promise of a {@link DeviceStore}. */
export interface StoreTest {
  readonly title: string;
  /**
   * Cold: emits `undefined` and completes, or fails with a `ContractBrokenError` or the store's error. A lost
   * announcement makes it wait forever.
   */
  readonly run: () => Observable<undefined>;
}

/**
 * The tests that every {@link DeviceStore} must pass, for authors of a store and any test runner.
 *
 * @param create called at the start of each test: creates new, empty data, and returns a function that opens a store on
 * it. Some tests call that function several times, as several tabs would.
 *
 * @example
 * describe("my store", () => {
 *   const tests = deviceStoreContract(() => {
 *     const path = mkdtempSync(join(tmpdir(), "store-"));
 *     return () => myStore(path);
 *   });
 *   for (const { title, run } of tests) it(title, () => lastValueFrom(run()));
 * });
 *
 * @example
 * // A store whose data cannot be opened twice
 * deviceStoreContract(() => {
 *   const store = memoryStore();
 *   return () => store;
 * });
 */
export function deviceStoreContract(create: () => () => DeviceStore): readonly StoreTest[] {
  return [...reading, ...values, ...updating, ...deleting, ...announcing, ...syncToken].map(({ title, steps }) => ({
    title,
    run: () =>
      defer(() => {
        const open = create();
        return steps(open(), open);
      }).pipe(ignoreElements(), endWith(undefined)),
  }));
}
