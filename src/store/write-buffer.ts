import { AsyncSubject, type Observable } from "rxjs";
import { MAX_RECORDS_PER_TRANSACTION } from "../model/batch-sizes.js";
import type { News } from "./announcement.js";
import type { RecordKey } from "./device-store.js";
import type { Pace } from "./pace.js";
import type { SavedRecords } from "./saved-records.js";
import type { WriteBase } from "./transactions.js";

export interface Written<T> {
  readonly result: T;
  readonly announce?: readonly News[];
}

/** A change of the store that is not a commit. */
export interface Write<T> {
  readonly keys: readonly RecordKey[];
  /** How many devices it compares, which takes time on the page's own thread. */
  readonly devices?: number;
  /** Called as its transaction begins, after all earlier commits. Returns the pure function over the named records. */
  readonly prepare: () => (records: SavedRecords, base: WriteBase) => Written<T>;
}

interface Buffered {
  readonly write: Write<unknown>;
  readonly result$: AsyncSubject<unknown>;
}

/** Writes that wait for a transaction. Those that wait together share one. */
export class WriteBuffer {
  readonly #pace: Pace;
  #buffer: Buffered[] = [];

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  get isEmpty(): boolean {
    return this.#buffer.length === 0;
  }

  /** Queues a write. Emits its result once there is one. */
  add<T>(write: Write<T>): Observable<T> {
    const result$ = new AsyncSubject<T>();
    this.#buffer.push({ write, result$: result$ as AsyncSubject<unknown> });
    return result$;
  }

  /**
   * Takes out the first ones, up to {@link MAX_RECORDS_PER_TRANSACTION} and {@link Pace.devices}, but at least one.
   */
  take(): readonly Buffered[] {
    let [records, devices] = [0, 0];
    const end = this.#buffer.findIndex(({ write }, i) => {
      records += write.keys.length;
      devices += write.devices ?? 0;
      return i > 0 && (records > MAX_RECORDS_PER_TRANSACTION || devices > this.#pace.devices);
    });
    return this.#buffer.splice(0, end === -1 ? this.#buffer.length : end);
  }

  fail(error: unknown): void {
    const buffer = this.#buffer;
    this.#buffer = [];
    for (const { result$ } of buffer) result$.error(error);
  }
}
