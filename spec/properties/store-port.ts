import { concatMap, defer, NEVER, Observable, throwError } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { ScriptedStore, type StoreOperation } from "../../src/testing/scripted-store.js";
import type { Event } from "./history.js";
import { InjectedError, type Surroundings } from "./surroundings.js";

/**
 * A tab's store: each operation takes a delay. What it answers, and what is announced, does not reach a tab that is gone; and what takes effect for such a
 * tab is announced to none.
 */
export class StorePort implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  readonly commits$: Observable<unknown>;
  readonly scripted: ScriptedStore;
  /** What goes wrong with the next operations. */
  readonly troubles: Extract<Event, { type: "store trouble" }>[] = [];
  isDown: boolean;
  isGone = false;

  readonly #world: Surroundings;
  readonly #onWrite: (isLogged: boolean) => void;

  /** @param onWrite called inside each transaction that writes something: whether it appends to the log */
  constructor(world: Surroundings, onWrite: (isLogged: boolean) => void) {
    this.#world = world;
    this.#onWrite = onWrite;
    const { announceAfter, storeOpensAfter } = world.setup;
    this.isDown = storeOpensAfter > 0;
    if (this.isDown) world.clock.schedule(() => (this.isDown = false), storeOpensAfter);
    this.scripted = new ScriptedStore({ scheduler: world.clock, records: world.records, announceAfter });
    this.syncToken$ = this.#run("read", () => this.scripted.syncToken$);
    this.commits$ = this.#whileThere(this.scripted.commits$);
  }

  /** Everything works from now on. */
  repair(): void {
    this.isDown = false;
    this.troubles.length = 0;
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#run("read", () => this.scripted.read(keys));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#run("readKinds", () => this.scripted.readKinds(kinds));
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return this.#run("update", () =>
      this.scripted.update(keys, (saved) => {
        const update = change(saved);
        const isWritten = update.puts.length + update.deletes.length > 0;
        if (isWritten) this.#onWrite(update.puts.some(([[kind]]) => kind === "log"));
        return this.isGone ? { ...update, announce: undefined } : update;
      }),
    );
  }

  clear(): Observable<void> {
    return this.#run("clear", () => this.scripted.clear());
  }

  #run<T>(kind: StoreOperation, operation: () => Observable<T>): Observable<T> {
    return this.#whileThere(
      defer(() => {
        if (this.isGone) return NEVER;
        const failed$ = this.#world.later(() => new InjectedError("the store is down"));
        if (this.isDown) return failed$.pipe(concatMap((error) => throwError(() => error)));
        this.scripted.takes = this.#world.delay();
        this.#disturb(kind);
        return operation();
      }),
    );
  }

  #disturb(kind: StoreOperation): void {
    const next = this.troubles.findIndex(({ operation }) => operation === undefined || operation === kind);
    const [trouble] = next === -1 ? [] : this.troubles.splice(next, 1);
    if (trouble?.how === "fails") this.scripted.failNext(new InjectedError("the store fails once"));
    else if (trouble !== undefined) this.scripted.hangNext(undefined, trouble.how === "loses the answer");
  }

  /** Unsubscribing might abort a write that is still to take effect: what comes back is dropped instead. */
  #whileThere<T>(source$: Observable<T>): Observable<T> {
    return new Observable((subscriber) =>
      source$.subscribe({
        next: (value) => {
          if (!this.isGone) subscriber.next(value);
        },
        error: (error: unknown) => {
          if (!this.isGone) subscriber.error(error);
        },
        complete: () => {
          if (!this.isGone) subscriber.complete();
        },
      }),
    );
  }
}
