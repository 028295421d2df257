import { AsyncSubject, type Observable } from "rxjs";

/**
 * Callers that wait for the state to be read again. A read that has begun is too early for a caller that comes after
 * that.
 */
export class Reloads {
  #waiting: AsyncSubject<void>[] = [];
  #served: readonly AsyncSubject<void>[] = [];

  /** Whether callers wait for another read. */
  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(): Observable<void> {
    const done$ = new AsyncSubject<void>();
    this.#waiting.push(done$);
    return done$;
  }

  /** A read begins, for all callers that wait now: also for those of a read before it that came to nothing. */
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
