import { defer, of, Subject, take, type Observable } from "rxjs";

/**
 * Holds up lookups and changes until the saved state is loaded, and while steps are missing.
 *
 *     closed   ──step s1──lookup a──track t──┐
 *     open                                   s1──t──a
 *
 * When it opens, waiting changes are applied in order before waiting lookups are released. So a lookup that was made
 * after a step sees it, although both waited.
 */
export class Gate {
  readonly #inbox: (() => void)[] = [];
  #opened$ = new Subject<void>();
  #isOpen = false;

  /** Runs a change now, or once the gate is open and all earlier changes are done. */
  pass(change: () => void): void {
    if (!this.#isOpen || this.#inbox.length > 0) this.#inbox.push(change);
    else change();
  }

  /** True if it is open and no change waits. */
  get isOpen(): boolean {
    return this.#isOpen && this.#inbox.length === 0;
  }

  /**
   * Emits and completes when the gate is open, or has opened once. A lookup need not wait for gap after gap, since what
   * it finds in a later one is not called current.
   */
  get opened$(): Observable<void> {
    return defer(() => (this.isOpen ? of(undefined) : this.#opened$.pipe(take(1))));
  }

  close(): void {
    this.#isOpen = false;
  }

  /** Runs the waiting changes. Lookups wait until {@link release}. */
  open(): void {
    this.#isOpen = true;
    while (this.#isOpenStill() && this.#inbox.length > 0) this.#inbox.shift()?.(); // a change may close it again
  }

  release(): void {
    this.#opened$.next();
  }

  fail(error: unknown): void {
    this.#inbox.length = 0;
    const opened$ = this.#opened$;
    this.#opened$ = new Subject<void>();
    opened$.error(error);
  }

  #isOpenStill(): boolean {
    return this.#isOpen;
  }
}
