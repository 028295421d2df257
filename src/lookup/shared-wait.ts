import { Subject, type Observable } from "rxjs";

/** A wait that several users share. It is abandoned when the last of them no longer needs it. */
export class SharedWait {
  readonly #abandoned$ = new Subject<void>();
  #users: number;

  constructor(users: number) {
    this.#users = users;
  }

  /** Emits when no user needs the wait any more. */
  get abandoned$(): Observable<void> {
    return this.#abandoned$;
  }

  leave(): void {
    this.#users--;
    if (this.#users === 0) this.#abandoned$.next();
  }
}
