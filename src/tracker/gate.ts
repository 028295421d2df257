import { defer, of, Subject, switchMap, take, type Observable } from "rxjs";

/**
 * Holds up what must not go on yet: lookups and steps, until the saved state is loaded, and while steps are missing.
 *
 *     closed   ──step s1──lookup a──step s2──┐
 *     open                                   s1──s2──a
 *
 * Whatever was given while it was closed is done first, in order; only then does anybody go on who waited. A lookup made after a step therefore sees it, though both
 * were waiting for the same thing, and whoever waits longest would otherwise be served first.
 */
export class Gate<T> {
  readonly #inbox: ((value: T) => void)[] = [];
  #opened$ = new Subject<T>();
  #value: { readonly open: T } | undefined;

  /** Does it now, or as soon as the gate is open and all that was given before is done. */
  pass(action: (value: T) => void): void {
    if (this.#value === undefined || this.#inbox.length > 0) this.#inbox.push(action);
    else action(this.#value.open);
  }

  /** Emits once the gate is open and the inbox is empty, and completes. */
  get passed$(): Observable<T> {
    return defer(() => {
      // Somebody who went on before may have closed it again.
      if (this.#value === undefined || this.#inbox.length > 0)
        return this.#opened$.pipe(
          take(1),
          switchMap(() => this.passed$),
        );
      return of(this.#value.open);
    });
  }

  /** As {@link passed$}, but who has waited goes on when the gate has opened once, though it may have closed again over what was given meanwhile: nobody waits for ever. */
  get opened$(): Observable<T> {
    return defer(() =>
      this.#value === undefined || this.#inbox.length > 0 ? this.#opened$.pipe(take(1)) : of(this.#value.open),
    );
  }

  close(): void {
    this.#value = undefined;
  }

  /** What was given is done at once; who waits goes on when {@link release} is called. */
  open(value: T): void {
    this.#value = { open: value };
    while (this.#isOpen() && this.#inbox.length > 0) this.#inbox.shift()?.(value); // one of them may close it again
  }

  /** Lets those go on who wait; of {@link passed$} only if it is open still. */
  release(value: T): void {
    this.#opened$.next(value);
  }

  /** Forgets what was given, and fails those who wait. */
  fail(error: unknown): void {
    this.#inbox.length = 0;
    const opened$ = this.#opened$;
    this.#opened$ = new Subject<T>();
    opened$.error(error);
  }

  #isOpen(): boolean {
    return this.#value !== undefined;
  }
}
