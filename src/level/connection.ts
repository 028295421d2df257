import { Subject, type Observable } from "rxjs";
import { levelStoreError } from "./level-store-error.js";
import { openDatabase, type Database } from "./open-database.js";

/**
 * This process's connection to one database, shared by all stores on it, since LevelDB allows only one.
 *
 * The first operation opens it. It is closed when no operation runs and `announced$` has no subscriber, such as after
 * `close()` of the last tracker. A failed operation closes it as well, since LevelDB accepts no writes after a failed
 * one; the next operation opens it again.
 */
export class Connection {
  /** Emits what updates announce. Never fails and never completes. */
  readonly announced$: Observable<unknown>;
  readonly #announced$ = new Subject<unknown>();
  #opening: Promise<Database> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #lastUpdate: Promise<unknown> = Promise.resolve();
  #users = 0;

  /** @param onClosed called when the connection is closed and not in use */
  constructor(
    readonly location: string,
    private readonly onClosed: () => void,
  ) {
    this.announced$ = this.#announced$;
  }

  announce(announcement: unknown): void {
    this.#announced$.next(announcement);
  }

  /** Keeps the connection open, once it is, until the returned function is called. */
  hold(): () => void {
    this.#users++;
    return () => {
      if (--this.#users === 0) this.#close();
    };
  }

  async run<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work(await this.#open());
    } finally {
      release();
    }
  }

  /** Runs `work` after all earlier updates. */
  async runUpdate<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const release = this.hold();
    const update = this.#lastUpdate.then(() => this.run(work));
    this.#lastUpdate = update.catch(() => undefined);
    try {
      return await update;
    } finally {
      release();
    }
  }

  /** Returns the result of a request to the database. If it fails, closes the connection. */
  async request<T>(database: Database, request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      if ((await this.#opening?.catch(() => undefined)) === database) this.#close();
      throw levelStoreError(this.location, error);
    }
  }

  #open(): Promise<Database> {
    if (this.#opening === undefined) {
      const opening = this.#closing.then(() => openDatabase(this.location));
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  }

  /** Waits for requests in progress. */
  #close(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    const closing = this.#closing
      .then(() => opening)
      .then((database) => database?.close())
      .catch(() => undefined);
    this.#closing = closing;
    void closing.then(() => {
      if (this.#closing === closing && this.#opening === undefined && this.#users === 0) this.onClosed();
    });
  }
}
