import { catchError, concatMap, defer, map, NEVER, Observable, throwError, timer } from "rxjs";
import { SYNC } from "../../../src/store/records.js";
import type { DeviceStore, RecordKey, Update } from "../../../src/store/device-store.js";
import type { Page } from "../../properties/page.js";
import type { Fault, Operation } from "./faults.js";

/** How an operation is kept from taking effect. */
class NotDoneError extends Error {}

/** Says with which operation something goes wrong. */
export interface FaultPlan {
  /** The fault of an operation that begins, if it is to have one. */
  readonly begin: (operation: Operation) => Fault | undefined;
  /** The operation that went wrong. */
  hit: Operation | undefined;
}

/** One page's store, as its tracker sees it: every operation is counted, and one goes wrong. */
export class FaultyStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  readonly #page: Page;
  readonly #operations: FaultPlan;

  constructor(page: Page, operations: FaultPlan) {
    this.#page = page;
    this.#operations = operations;
    this.syncToken$ = this.#run("read", false, () => page.store.syncToken$);
  }

  clear(): Observable<void> {
    return this.#page.store.clear();
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#run("read", false, () => this.#page.store.read(keys));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#run("readKinds", false, () => this.#page.store.readKinds(kinds));
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    const movesToken = keys.some(([kind, id]) => kind === SYNC[0] && id === SYNC[1]);
    return this.#run("update", movesToken, (fault) =>
      this.#page.store.update(keys, (saved) => {
        if (fault?.done === false) throw new NotDoneError(); // in the transaction: nothing is written
        return change(saved);
      }),
    );
  }

  /** Whatever goes wrong goes wrong in the moment in which the operation takes effect, or would. */
  #run<T>(operation: Operation, movesToken: boolean, of: (fault: Fault | undefined) => Observable<T>): Observable<T> {
    return defer(() => {
      const fault = this.#operations.begin(operation);
      if (fault === undefined) return of(undefined);
      if (fault.late !== undefined) return this.#late(operation, fault, movesToken, fault.late, of(fault));
      return of(fault).pipe(
        map(() => undefined),
        catchError((error: unknown) => {
          if (error instanceof NotDoneError) return [undefined];
          throw error;
        }),
        concatMap(() => this.#suffer(operation, fault, movesToken)),
      );
    });
  }

  /** Nothing happens until the tracker gives up; then the operation takes its course. */
  #late<T>(
    operation: Operation,
    fault: Fault,
    movesToken: boolean,
    wait: number,
    effect$: Observable<T>,
  ): Observable<T> {
    return new Observable(() => {
      const hanging = this.#suffer(operation, fault, movesToken).subscribe();
      return () => {
        hanging.unsubscribe();
        if (!this.#page.gone)
          timer(wait, this.#page.clock)
            .pipe(concatMap(() => effect$))
            .subscribe({ error: () => {} });
      };
    });
  }

  /**
   * What is forgiven for it: after an update, what cannot be as it would be while nothing can be saved; after a commit that was done and not acknowledged, what is done
   * twice. After a read, or a crash, nothing.
   */
  #suffer(operation: Operation, fault: Fault, movesToken: boolean): Observable<never> {
    this.#operations.hit = operation;
    const goesOn = operation === "update" && fault.then !== "crashes";
    this.#page.suffers(`${operation} ${fault.name}`, {
      troubled: goesOn,
      repeats: goesOn && fault.done && movesToken,
      late: fault.late !== undefined && movesToken,
      delayed: fault.then === "hangs",
    });
    switch (fault.then) {
      case "fails":
        return throwError(() => new Error("the disk is full"));
      case "crashes":
        this.#page.crash();
        return NEVER;
      case "hangs":
        return NEVER;
    }
  }
}
