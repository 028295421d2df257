import { Subject, Subscription, throwError, type Observable } from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import type { Emissions } from "./emission-queue.js";

/** What `synced$` gives until its next end: of one connection, or of several where the earlier ones were unsubscribed. */
export class Synced {
  readonly #responses$ = new Subject<SyncResponse>();
  #ended = false;

  get responses$(): Observable<SyncResponse> {
    return this.#responses$;
  }

  next(response: SyncResponse): void {
    this.#responses$.next(response);
  }

  /** Nothing will come any more: whoever waits, with a connection or without, is told. */
  abandon(error: unknown): void {
    if (this.#responses$.observed) this.end({ error });
  }

  /** Only the first end counts. */
  end(notification: End): void {
    if (this.#ended) return;
    this.#ended = true;
    if (notification === "complete") this.#responses$.complete();
    else if (this.#responses$.observed) this.#responses$.error(notification.error);
    else throwError(() => notification.error).subscribe(); // nobody is there to be told: RxJS reports it as unhandled
  }
}

/** How a sync stream ends. */
export type End = { readonly error: unknown } | "complete";

/**
 * One connection to the sync stream, from `connect()` to its end: emits each response once its changes are durable, in order, and passes the stream's end on
 * after the last of them, or at once where the store fails, for that may last.
 */
export class Connection extends Subscription {
  readonly #synced: Synced;
  readonly #emissions: Emissions;
  #notDurable = 0;
  #end: (() => void) | undefined;

  constructor(synced: Synced, emissions: Emissions) {
    super();
    this.#synced = synced;
    this.#emissions = emissions;
  }

  /** Follows one response until its changes are durable. Responses given before the connection was unsubscribed are emitted all the same. */
  follow(durable$: Observable<SyncResponse | undefined>): void {
    this.#notDurable++;
    durable$.subscribe({
      next: (response) => {
        if (response === undefined) return;
        this.#emissions.push(() => {
          this.#synced.next(response);
        });
      },
      error: (error: unknown) => {
        this.fail(error);
      },
      complete: () => {
        if (--this.#notDurable === 0) this.#end?.();
      },
    });
  }

  /** The stream has ended: with an error, or by completing. */
  end(notification: End): void {
    this.unsubscribe();
    this.#end = () => {
      this.#emissions.push(() => {
        this.#synced.end(notification);
      });
    };
    if (this.#notDurable === 0) this.#end();
  }

  /** Nothing will become durable any more. */
  fail(error: unknown): void {
    this.end({ error });
    this.storeFails();
  }

  /** What is not durable yet may stay so for long: an end of the stream does not wait for it. */
  storeFails(): void {
    this.#end?.();
  }
}
