import { BehaviorSubject, defer, switchMap, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "./device-store.js";

/**
 * A store that can be replaced by another one: all parts that hold it go on with the replacement. Operations in
 * progress end where they began.
 */
export class ReplaceableStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined> = defer(() => this.#target$.value.syncToken$);
  readonly commits$: Observable<unknown> = defer(() => this.#target$.pipe(switchMap(({ commits$ }) => commits$)));
  readonly #target$: BehaviorSubject<DeviceStore>;
  #isStandIn: boolean;

  /** @param isStandIn true if it only stands in for the store that will replace it */
  constructor(target: DeviceStore, isStandIn = false) {
    this.#target$ = new BehaviorSubject(target);
    this.#isStandIn = isStandIn;
  }

  get isStandIn(): boolean {
    return this.#isStandIn;
  }

  replace(target: DeviceStore): void {
    this.#isStandIn = false;
    this.#target$.next(target);
  }

  clear(): Observable<void> {
    return defer(() => this.#target$.value.clear());
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return defer(() => this.#target$.value.read(keys));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return defer(() => this.#target$.value.readKinds(kinds));
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => this.#target$.value.update(keys, change));
  }
}
