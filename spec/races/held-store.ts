import { AsyncSubject, defer, tap, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";

/** One tab's way to the records that all share: reads are answered at once, updates take effect one by one, when they are let. */
export class HeldStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  readonly #records: DeviceStore;
  readonly #tookEffect: () => void;
  #held: { readonly keys: readonly RecordKey[]; readonly takeEffect: () => void }[] = [];

  /** @param tookEffect called after each update: what is saved then is what a crash leaves */
  constructor(records: DeviceStore, tookEffect: () => void) {
    this.#records = records;
    this.#tookEffect = tookEffect;
    this.syncToken$ = records.syncToken$;
  }

  /** Whether the next update writes nothing: it only waits for those before it. */
  get nextOnlyWaits(): boolean {
    return this.#held[0]?.keys.length === 1; // the owner, who is checked in all of them
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#records.read(keys);
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#records.readKinds(kinds);
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => {
      const result$ = new AsyncSubject<T>();
      const takeEffect = () => {
        const written$ = this.#records.update(keys, change);
        written$
          .pipe(
            tap(() => {
              this.#tookEffect();
            }),
          )
          .subscribe(result$);
      };
      this.#held.push({ keys, takeEffect });
      return result$;
    });
  }

  clear(): Observable<void> {
    return this.#records.clear();
  }

  /** Lets the next update take effect; whether there was one. */
  release(): boolean {
    const next = this.#held.shift();
    next?.takeEffect();
    return next !== undefined;
  }

  releaseAll(): void {
    while (this.release());
  }
}
