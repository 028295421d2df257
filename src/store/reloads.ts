import { AsyncSubject, type Observable } from "rxjs";

/** Callers that wait for the state to be read again. A caller that arrives after a read has begun needs another one. */
export class Reloads {
  #waiting: AsyncSubject<void>[] = [];
  #served: readonly AsyncSubject<void>[] = [];

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(): Observable<void> {
    const done$ = new AsyncSubject<void>();
    this.#waiting.push(done$);
    return done$;
  }

  /** Begins a read for all waiting callers, including those of an earlier read that failed. */
  begin(): void {
    this.#served = [...this.#served, ...this.#waiting];
    this.#waiting = [];
  }

  succeed(): void {
    for (const done$ of this.#takeServed()) {
      done$.next();
      done$.complete();
    }
  }

  fail(error: unknown): void {
    for (const done$ of this.#takeServed()) done$.error(error);
  }

  failAll(error: unknown): void {
    this.fail(error);
    this.begin();
    this.fail(error);
  }

  #takeServed(): readonly AsyncSubject<void>[] {
    const served = this.#served;
    this.#served = [];
    return served;
  }
}
