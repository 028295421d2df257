import { defer, tap, type Observable } from "rxjs";
import type { DeviceList } from "../../src/trust/device-list.js";
import { KEY_ALGORITHMS, type KeyAlgorithm } from "../../src/keys/device-key.js";
import type { Pins } from "../../src/trust/pins.js";
import type { UserId } from "../../src/model/ids.js";
import type { Claimant } from "../../src/lists/claims.js";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";

export interface UserState {
  readonly revision: number;
  readonly listed?: number;
}
export interface SavedList {
  readonly revision: number;
  readonly list: Pick<DeviceList, "deviceKeys" | "rejected">;
}

/** What the store holds at one moment, as its format says it. */
export interface Saved {
  readonly owned: boolean;
  readonly token: string | undefined;
  readonly steps: readonly { readonly since: string; readonly next: string }[];
  readonly epoch: number;
  readonly states: ReadonlyMap<UserId, UserState>;
  readonly lists: ReadonlyMap<UserId, SavedList>;
  readonly pins: ReadonlyMap<UserId, Pins>;
  readonly claims: Readonly<Record<KeyAlgorithm, ReadonlyMap<string, readonly Claimant[]>>>;
}

/** What outlives a page, with somebody who looks on after every transaction. */
export class WatchedRecords implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  readonly #records = memoryStore();
  readonly #onUpdate: (put: readonly RecordKey[]) => void;
  readonly #onClear: () => void;

  constructor(onUpdate: (put: readonly RecordKey[]) => void, onClear: () => void) {
    this.#onUpdate = onUpdate;
    this.#onClear = onClear;
    this.syncToken$ = this.#records.syncToken$;
  }

  clear(): Observable<void> {
    return this.#records.clear().pipe(tap(() => this.#onClear()));
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#records.read(keys);
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#records.readKinds(kinds);
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => {
      let put: readonly RecordKey[] = [];
      const watched = (saved: readonly unknown[]) => {
        const update = change(saved);
        put = update.puts.map(([key]) => key);
        return update;
      };
      return this.#records.update(keys, watched).pipe(tap(() => this.#onUpdate(put)));
    });
  }

  get saved(): Saved {
    let kinds: readonly ReadonlyMap<string, unknown>[] = [];
    this.#records
      .readKinds(["account", "state", "list", "pins", ...KEY_ALGORITHMS.map((algorithm) => `claims/${algorithm}`)])
      .subscribe((found) => (kinds = found));
    const [account, states, lists, pins, ...claims] = kinds;
    const sync = account?.get("sync") as { token?: string; steps: Saved["steps"] } | undefined;
    return {
      owned: account?.has("owner") === true,
      token: sync?.token,
      steps: sync?.steps ?? [],
      epoch: (account?.get("epoch") as number | undefined) ?? 0,
      states: (states ?? new Map()) as Saved["states"],
      lists: (lists ?? new Map()) as Saved["lists"],
      pins: (pins ?? new Map()) as Saved["pins"],
      claims: Object.fromEntries(
        KEY_ALGORITHMS.map((algorithm, i) => [algorithm, claims[i] ?? new Map()]),
      ) as Saved["claims"],
    };
  }
}
