import { Subscription, type Observable } from "rxjs";
import { CLEARED, type Cleared } from "./transact.js";

/** How an operation may end. */
export interface OperationEnd<T> {
  readonly next: (result: T) => void;
  readonly error: (error: unknown) => void;
}

/** What an {@link OperationSlot} reports. */
export interface SlotEvents {
  /** An operation has ended: there is room for the next one. */
  readonly freed: () => void;
  /** An operation found that the store was cleared. */
  readonly cleared: () => void;
}

/** Runs operations of the store, one at a time. */
export class OperationSlot {
  readonly #events: SlotEvents;
  #running: { readonly subscription: Subscription; readonly mustFinish: boolean } | undefined;

  constructor(events: SlotEvents) {
    this.#events = events;
  }

  get isFree(): boolean {
    return this.#running === undefined;
  }

  /** @param mustFinish whether {@link abort} leaves it alone */
  run<T>(operation$: Observable<T | Cleared>, { next, error }: OperationEnd<T>, mustFinish = false): void {
    const subscription = new Subscription();
    this.#running = { subscription, mustFinish };
    const end = (action: () => void) => {
      this.#running = undefined;
      action();
      this.#events.freed();
    };
    subscription.add(
      operation$.subscribe({
        next: (result) => {
          end(() => {
            if (result === CLEARED) this.#events.cleared();
            else next(result);
          });
        },
        error: (cause: unknown) => {
          end(() => error(cause));
        },
      }),
    );
  }

  /** Aborts the operation under way, unless it must finish. */
  abort(): void {
    if (this.#running?.mustFinish !== false) return;
    this.#running.subscription.unsubscribe();
    this.#running = undefined;
  }
}
