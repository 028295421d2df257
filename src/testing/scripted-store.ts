import { concatMap, defer, NEVER, throwError, timer, type Observable, type SchedulerLike } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../store/device-store.js";
import { memoryStore } from "../store/memory-store.js";

/** The operations of a store, as {@link ScriptedStore} counts them. */
export type StoreOperation = "read" | "readKinds" | "update" | "clear";

export interface ScriptedStoreOptions {
  readonly scheduler: SchedulerLike;
  /** How long each operation takes, in ms; 0 answers synchronously. @default 0 */
  readonly takes?: number;
  /** What it keeps its records in: give that of an earlier one for a restart. @default memoryStore() */
  readonly records?: DeviceStore;
}

/**
 * A store in virtual time that takes its time, fails or hangs as it is told. Operations take effect one after the other, at the end of their time.
 *
 * @example
 * const store = new ScriptedStore({ scheduler: testScheduler, takes: 3 });
 * store.failNext(new Error("the disk is full"), "update");
 */
export class ScriptedStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  /** How often each operation was begun. */
  readonly begun: Record<StoreOperation, number> = { read: 0, readKinds: 0, update: 0, clear: 0 };
  /** Where the records are. */
  readonly records: DeviceStore;
  takes: number;

  readonly #scheduler: SchedulerLike;
  readonly #outcomes: {
    readonly operation: StoreOperation | undefined;
    readonly outcome: "hang" | "effective-hang" | { readonly error: unknown };
  }[] = [];
  #crashed = false;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor({ scheduler, takes = 0, records = memoryStore() }: ScriptedStoreOptions) {
    this.#scheduler = scheduler;
    this.takes = takes;
    this.records = records;
    this.syncToken$ = defer(() => this.#run("read", records.syncToken$));
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return defer(() => this.#run("read", this.records.read(keys)));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return defer(() => this.#run("readKinds", this.records.readKinds(kinds)));
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => this.#run("update", this.records.update(keys, change)));
  }

  clear(): Observable<void> {
    return defer(() => this.#run("clear", this.records.clear()));
  }

  /** The next operation, or the next of this kind, fails, and changes nothing. */
  failNext(error: unknown, operation?: StoreOperation): void {
    this.#outcomes.push({ operation, outcome: { error } });
  }

  /** The next operation, or the next of this kind, never ends; `effective`: though what it was to do is done. */
  hangNext(operation?: StoreOperation, effective = false): void {
    this.#outcomes.push({ operation, outcome: effective ? "effective-hang" : "hang" });
  }

  /**
   * From now on nothing takes effect and nothing answers, as if the page were gone: a new store over its {@link records} is what a restart finds. The tracker of the page
   * that is gone tries its commits again for ever, so a `TestScheduler` needs a bound (`maxFrames`) to come to an end.
   */
  crash(): void {
    this.#crashed = true;
  }

  #run<T>(operation: StoreOperation, effect$: Observable<T>): Observable<T> {
    this.begun[operation]++;
    const next = this.#outcomes.findIndex(({ operation: meant }) => meant === undefined || meant === operation);
    const outcome = next === -1 ? undefined : this.#outcomes.splice(next, 1)[0]?.outcome;
    const now = this.#scheduler.now();
    this.#freeAt = Math.max(this.#freeAt, now) + this.takes;
    const wait = this.#freeAt - now;
    const result$ = defer((): Observable<T> => {
      if (this.#crashed || outcome === "hang") return NEVER;
      if (outcome === "effective-hang") return effect$.pipe(concatMap(() => NEVER));
      return outcome === undefined ? effect$ : throwError(() => outcome.error);
    });
    return wait === 0 ? result$ : timer(wait, this.#scheduler).pipe(concatMap(() => result$));
  }
}
