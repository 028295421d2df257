import { ReplaySubject, Subscription, type Observable } from "rxjs";

/** One connection to the sync stream, from `connect()` to its end. */
export class Connection extends Subscription {
  readonly #caughtUp$ = new ReplaySubject<void>(1);
  #token: string | undefined;
  #isCaughtUp = false;

  /** Emits once the first step of this connection has been applied, here or in the tab that syncs. */
  get caughtUp$(): Observable<void> {
    return this.#caughtUp$;
  }

  emitCaughtUp(): void {
    this.#caughtUp$.next();
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  get isFresh(): boolean {
    return this.#token === undefined;
  }

  /** The token to which the last response led. */
  get token(): string | undefined {
    return this.#token;
  }

  responded(token: string): void {
    this.#token = token;
  }

  /** Returns true the first time it is called. */
  caughtUp(): boolean {
    if (this.#isCaughtUp) return false;
    this.#isCaughtUp = true;
    return true;
  }
}
