import { AsyncSubject, ignoreElements, take, timer, type Observable, type SchedulerLike } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import type { DeviceStore, RecordKey } from "./device-store.js";
import { OWNER, readOwner, type OwnerRecord } from "./records.js";
import { RecordsMissing, SavedRecords } from "./saved-records.js";

/** Wait before a failed commit is tried again, in ms: doubled each time, up to {@link MAX_RETRY_WAIT}. */
const FIRST_RETRY_WAIT = 1_000;
const MAX_RETRY_WAIT = 60_000;

/** Records that several writes may touch together in one transaction: what a store does within its deadline even on a slow disk. */
export const MAX_RECORDS_PER_TRANSACTION = 5_000;

/** One change of the store: a pure function over the records that it names. */
export interface Write<T> {
  readonly keys: readonly RecordKey[];
  readonly apply: (records: SavedRecords) => T;
  /**
   * What becomes of it when the store fails. A commit is tried again until it succeeds, and what comes after it waits: the saved token must never pass it.
   * A save fails at once, also while a commit before it is waiting for its next try, and so do all that wait behind it: memory keeps what they were to save.
   */
  readonly whenStoreFails: "retry" | "fail";
}

interface Queued {
  readonly write: Write<unknown>;
  readonly result$: AsyncSubject<unknown>;
}

/** What the queue tells of failures. */
export interface WriteQueueEvents {
  readonly commitFailed: (error: unknown, retryIn: number) => void;
  readonly cleared: () => void;
  /** Runs this, in which all are told whose writes were done together: what follows from one of them must not go on before the others are known. */
  readonly together: (action: () => void) => void;
}

/**
 * All writes of one tracker, in the order in which they were asked for, one transaction at a time.
 *
 * Why one at a time: a save must come after the commits of all steps that were applied before its query was sent, and a commit never before the one it follows.
 * Commits that come while a transaction is under way go into the next one together, and so do saves; never a save with a commit, which it must not take down with it.
 *
 * Each transaction checks that the store is still in the life in which it was loaded: after `clear()` nothing is written any more,
 * and every write fails with {@link StoreClearedError}.
 */
export class WriteQueue {
  readonly #store: DeviceStore;
  readonly #owner: OwnerRecord;
  readonly #scheduler: SchedulerLike;
  readonly #events: WriteQueueEvents;
  #queue: Queued[] = [];
  #busy = false;
  #draining = false;
  #retry: { readonly error: unknown; readonly wait: number } | undefined;
  #cleared = false;

  constructor(store: DeviceStore, owner: OwnerRecord, scheduler: SchedulerLike, events: WriteQueueEvents) {
    this.#store = store;
    this.#owner = owner;
    this.#scheduler = scheduler;
    this.#events = events;
  }

  /** Whether commits are waiting for the store to work again. */
  get failing(): boolean {
    return this.#retry !== undefined;
  }

  /** Queues the write at once, whether the result is subscribed to or not; emits what `apply` gave when it is durable, and completes. */
  write<T>(write: Write<T>): Observable<T> {
    const result$ = new AsyncSubject<T>();
    if (this.#cleared) result$.error(new StoreClearedError());
    else if (this.#retry !== undefined && write.whenStoreFails === "fail") result$.error(this.#retry.error);
    else {
      this.#queue.push({ write, result$: result$ as AsyncSubject<unknown> });
      this.#drain();
    }
    return result$;
  }

  /** Whether the store is still in the life in which it was loaded, by its owner's record; if not, nothing is written any more. */
  checkOwner(owner: unknown): boolean {
    if (!this.#isOurs(owner)) this.close();
    return !this.#cleared;
  }

  /** The store was found to be in another life. */
  close(): void {
    this.#close([]);
  }

  /** Completes when everything that must be durable and has been queued so far is. */
  written(): Observable<never> {
    return this.write({ keys: [], apply: () => undefined, whenStoreFails: "retry" }).pipe(ignoreElements());
  }

  #drain(): void {
    if (this.#draining) return; // a store that answers at once: the loop below goes on
    this.#draining = true;
    while (!this.#busy && this.#queue.length > 0) {
      this.#busy = true;
      this.#transact(this.#takeBatch());
    }
    this.#draining = false;
  }

  #takeBatch(): readonly Queued[] {
    const policy = this.#queue[0]?.write.whenStoreFails;
    let records = 0;
    const end = this.#queue.findIndex(({ write }, i) => {
      records += write.keys.length;
      return write.whenStoreFails !== policy || (i > 0 && records > MAX_RECORDS_PER_TRANSACTION);
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end);
  }

  /** @param also records that the batch turned out to need, beside those that it names */
  #transact(batch: readonly Queued[], lastWait = 0, also: readonly RecordKey[] = []): void {
    const keys = [OWNER, ...distinct([...batch.flatMap(({ write }) => write.keys), ...also])];
    this.#store
      .update<readonly unknown[] | RecordsMissing | "cleared">(keys, (saved) => {
        if (!this.#isOurs(saved[0])) return { puts: [], deletes: [], result: "cleared" };
        const records = new SavedRecords(keys, saved);
        try {
          return records.update(batch.map(({ write }) => write.apply(records)));
        } catch (error) {
          if (error instanceof RecordsMissing) return { puts: [], deletes: [], result: error };
          throw error;
        }
      })
      .pipe(take(1))
      .subscribe({
        next: (results) => {
          if (results instanceof RecordsMissing) {
            this.#transact(batch, lastWait, [...also, ...results.keys]);
            return;
          }
          this.#retry = undefined;
          if (results === "cleared") this.#close(batch);
          else {
            this.#events.together(() => {
              batch.forEach(({ result$ }, i) => {
                emit(result$, results[i]);
              });
            });
          }
          this.#next();
        },
        error: (error: unknown) => {
          this.#failed(batch, error, lastWait);
        },
      });
  }

  #next(): void {
    this.#busy = false;
    this.#drain();
  }

  #failed(batch: readonly Queued[], error: unknown, lastWait: number): void {
    // Saves that wait fail, too: of a store that hangs, each would find out for itself, one deadline after the other, and lookups wait for them.
    const saves = this.#queue.filter(({ write }) => write.whenStoreFails === "fail");
    this.#queue = this.#queue.filter(({ write }) => write.whenStoreFails === "retry");
    if (batch[0]?.write.whenStoreFails === "fail") {
      for (const { result$ } of [...batch, ...saves]) result$.error(error);
      this.#next();
      return;
    }
    const wait = Math.min(lastWait === 0 ? FIRST_RETRY_WAIT : lastWait * 2, MAX_RETRY_WAIT);
    this.#retry = { error, wait };
    for (const { result$ } of saves) result$.error(error);
    this.#events.commitFailed(error, wait);
    timer(wait, this.#scheduler).subscribe(() => {
      this.#queue.unshift(...batch);
      this.#transact(this.#takeBatch(), wait); // with the steps that came meanwhile
    });
  }

  #isOurs(owner: unknown): boolean {
    return readOwner(owner)?.lifetime === this.#owner.lifetime;
  }

  #close(batch: readonly Queued[]): void {
    if (!this.#cleared) this.#events.cleared();
    this.#cleared = true;
    const rest = this.#queue;
    this.#queue = [];
    for (const { result$ } of [...batch, ...rest]) result$.error(new StoreClearedError());
  }
}

function emit(subject$: AsyncSubject<unknown>, value: unknown): void {
  subject$.next(value);
  subject$.complete();
}

function distinct(keys: readonly RecordKey[]): readonly RecordKey[] {
  const seen = new Map<string, Set<string>>();
  return keys.filter(([kind, id]) => {
    const ids = seen.get(kind);
    if (ids === undefined) seen.set(kind, new Set([id]));
    else if (ids.has(id)) return false;
    else ids.add(id);
    return true;
  });
}
