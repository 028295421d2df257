import { type BehaviorSubject, filter, firstValueFrom } from "rxjs";
import { openDatabase } from "./open-database.js";
import { storeError } from "./store-error.js";
import { abort, ended, RECORDS } from "./transaction.js";

/**
 * "strict" writes through to the disk. "relaxed", the browsers' default, leaves that to the operating system, which may
 * reorder writes: after a power failure, a transaction with the sync token may survive while an earlier one, with an
 * invalidation that the token covers, is lost. It costs one flush per transaction, not per record.
 */
const DURABILITY: IDBTransactionOptions = { durability: "strict" };

type Work<T> = (records: IDBObjectStore) => T | PromiseLike<T>;

/**
 * An IndexedDB database and the connection that its transactions share.
 *
 * The first transaction opens the connection, which may end at any time:
 *
 * - Another tab wants to delete or upgrade the database (`versionchange`). The connection is closed at once, so that it
 *   does not block the other tab.
 * - The browser closes the connection, with a `close` event or without one (then the next transaction throws an
 *   InvalidStateError).
 * - Opening it fails, or takes so long that a transaction waiting for it is given up.
 *
 * In each case the next transaction opens another connection.
 *
 * An open transaction in a sleeping tab blocks all other tabs. So none begins while the tab is asleep; those in
 * progress are aborted when it falls asleep, and run again when it wakes.
 */
export class Database {
  #connecting: Promise<IDBDatabase> | undefined;
  #isConnected = false;

  constructor(
    private readonly name: string,
    private readonly asleep$: BehaviorSubject<boolean>,
  ) {}

  /**
   * Runs `work` in one transaction, and resolves with its result once the transaction is durable. If `work` throws or
   * rejects, nothing is written, and the promise rejects with that error. `work` may run again after an aborted run.
   *
   * @param signal gives the transaction up: it never begins, or is aborted
   */
  async transaction<T>(mode: IDBTransactionMode, work: Work<T>, signal: AbortSignal): Promise<T> {
    for (let connections = 1; ;) {
      if (this.asleep$.value) await this.#untilAwake(signal);
      const connecting = this.#connect();
      const connection = await this.#connected(connecting, signal);
      if (this.asleep$.value) continue;
      let transaction: IDBTransaction;
      try {
        transaction = connection.transaction(RECORDS, mode, DURABILITY);
      } catch (error) {
        this.#forget(connecting);
        connection.close();
        if (connections++ === 2) throw storeError(this.name, error);
        continue;
      }
      const outcome = await this.#run(transaction, work, signal);
      if (outcome !== "fell-asleep") return outcome.result;
    }
  }

  async #run<T>(
    transaction: IDBTransaction,
    work: Work<T>,
    signal: AbortSignal,
  ): Promise<{ readonly result: T } | "fell-asleep"> {
    const stopped = { bySleep: false };
    const stop = () => {
      stopped.bySleep = this.asleep$.value;
      abort(transaction);
    };
    const sleep = this.asleep$.pipe(filter(Boolean)).subscribe(stop);
    signal.addEventListener("abort", stop);
    try {
      return { result: await ended(this.name, transaction, work) };
    } catch (error) {
      if (stopped.bySleep) return "fell-asleep";
      throw error;
    } finally {
      sleep.unsubscribe();
      signal.removeEventListener("abort", stop);
    }
  }

  async #untilAwake(signal: AbortSignal): Promise<void> {
    await firstValueFrom(this.asleep$.pipe(filter((isAsleep) => !isAsleep)), { defaultValue: false });
    signal.throwIfAborted();
  }

  /**
   * Returns the connection, unless the signal is aborted first. If it is aborted before the browser has answered, the
   * next transaction opens another connection.
   */
  async #connected(connecting: Promise<IDBDatabase>, signal: AbortSignal): Promise<IDBDatabase> {
    const giveUp = () => {
      if (!this.#isConnected) this.#forget(connecting);
    };
    signal.addEventListener("abort", giveUp);
    const connection = await connecting.finally(() => {
      signal.removeEventListener("abort", giveUp);
    });
    signal.throwIfAborted();
    return connection;
  }

  #connect(): Promise<IDBDatabase> {
    if (this.#connecting !== undefined) return this.#connecting;
    this.#isConnected = false;
    const connecting = openDatabase(this.name).then(
      (connection) => {
        this.#adopt(connection, connecting);
        return connection;
      },
      (error: unknown) => {
        this.#forget(connecting);
        throw error;
      },
    );
    this.#connecting = connecting;
    return connecting;
  }

  /** Keeps a connection that has just opened, unless it was given up and replaced; its transactions then reconnect. */
  #adopt(connection: IDBDatabase, connecting: Promise<IDBDatabase>): void {
    const drop = () => {
      this.#forget(connecting);
      connection.close();
    };
    connection.onclose = drop;
    connection.onversionchange = drop;
    // When Safari has lost its storage process, every transaction of the connection fails with this error until the
    // page is reloaded.
    connection.onabort = ({ target }) => {
      if ((target as IDBTransaction).error?.name === "UnknownError") drop();
    };
    this.#connecting ??= connecting;
    if (this.#connecting === connecting) this.#isConnected = true;
    else connection.close();
  }

  #forget(connecting: Promise<IDBDatabase>): void {
    if (this.#connecting === connecting) this.#connecting = undefined;
  }
}
