import { defer, throwError, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";

/** A store that fails as long as a test wants. */
export class FlakyStore implements DeviceStore {
  fails: "never" | "to write" | "always" = "never";
  /** Updates that still work before it fails to write. */
  updatesLeft = Number.POSITIVE_INFINITY;
  readonly #store: DeviceStore;

  constructor(store: DeviceStore) {
    this.#store = store;
  }

  get syncToken$(): Observable<string | undefined> {
    return this.#store.syncToken$;
  }

  get commits$(): Observable<unknown> {
    return this.#store.commits$;
  }

  clear(): Observable<void> {
    return this.#store.clear();
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#reading(() => this.#store.read(keys));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#reading(() => this.#store.readKinds(kinds));
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => {
      if (this.fails !== "never" || this.updatesLeft-- <= 0) return failed();
      return this.#store.update(keys, change);
    });
  }

  #reading<T>(read: () => Observable<T>): Observable<T> {
    return defer(() => (this.fails === "always" ? failed() : read()));
  }
}

const failed = (): Observable<never> => throwError(() => new Error("the store fails"));
