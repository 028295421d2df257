import { Subject, type Observable } from "rxjs";

/** A wait shared by several users, abandoned when the last of them no longer needs it. */
export class SharedWait {
  readonly #abandoned$ = new Subject<void>();
  #users: number;

  constructor(users: number) {
    this.#users = users;
  }

  get abandoned$(): Observable<void> {
    return this.#abandoned$;
  }

  leave(): void {
    this.#users--;
    if (this.#users === 0) this.#abandoned$.next();
  }
}
