import { Subscription, type Observable } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import { CLEARED, type Cleared } from "./transact.js";

export interface OperationEnd<T> {
  readonly next: (result: T) => void;
  readonly error: (error: unknown) => void;
}

export interface SlotEvents {
  readonly freed: () => void;
  readonly cleared: () => void;
}

export class OperationSlot {
  readonly #events: SlotEvents;
  #running: { readonly subscription: Subscription; readonly mustFinish: boolean } | undefined;

  constructor(events: SlotEvents) {
    this.#events = events;
  }

  get isFree(): boolean {
    return this.#running === undefined;
  }

  /** @param mustFinish true if {@link abort} must not stop it */
  run<T>(operation$: Observable<T | Cleared>, { next, error }: OperationEnd<T>, mustFinish = false): void {
    const subscription = new Subscription();
    this.#running = { subscription, mustFinish };
    // The next operation begins only after this one's result has been processed, whatever that causes.
    const end = (action: () => void) => {
      action();
      this.#running = undefined;
      this.#events.freed();
    };
    subscription.add(
      operation$.subscribe({
        next: (result) => {
          end(() => {
            if (result !== CLEARED) {
              next(result);
              return;
            }
            this.#events.cleared();
            error(new StoreClearedError());
          });
        },
        error: (cause: unknown) => {
          end(() => error(cause));
        },
      }),
    );
  }

  /** Aborts the operation in progress, unless it must finish. */
  abort(): void {
    if (this.#running?.mustFinish !== false) return;
    this.#running.subscription.unsubscribe();
    this.#running = undefined;
  }
}
