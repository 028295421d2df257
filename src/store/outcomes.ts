import { AsyncSubject, type Observable } from "rxjs";
import type { Pending } from "./clone.js";
import type { Outcome } from "./rebase.js";

/** The outcomes of pending changes, emitted once durable. */
export class Outcomes {
  readonly #outcomes = new Map<Pending, AsyncSubject<Outcome>>();

  add(pending: Pending): Observable<Outcome> {
    const outcome$ = new AsyncSubject<Outcome>();
    this.#outcomes.set(pending, outcome$);
    return outcome$;
  }

  of(pending: Pending): Observable<Outcome> | undefined {
    return this.#outcomes.get(pending);
  }

  settle(pending: Pending, outcome: Outcome): void {
    const outcome$ = this.#outcomes.get(pending);
    this.#outcomes.delete(pending);
    outcome$?.next(outcome);
    outcome$?.complete();
  }

  fail(error: unknown): void {
    for (const outcome$ of this.#outcomes.values()) outcome$.error(error);
    this.#outcomes.clear();
  }
}
