import type { Subscriber } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../../src/store/device-store.js";
import type { ExposedCore } from "./exposed-core.js";
import { noteCaptured } from "./heap-print.js";

/** What outlives every tab. The records themselves are never written to. */
export type Records = Map<string, Map<string, unknown>>;

export const copyOf = (records: Records): Records =>
  new Map(Array.from(records, ([kind, byId]) => [kind, new Map(byId)]));

/** One operation that has been asked for and has not taken effect. */
export interface Operation {
  readonly name: string;
  /** Does it, and gives what its caller is to be told. */
  readonly effect: () => unknown;
  readonly subscriber: Subscriber<unknown>;
}

/** A store whose operations take effect one by one, when they are told to. */
export class SteppedStore implements DeviceStore {
  readonly pending: Operation[] = [];
  readonly syncToken$;
  readonly #core: ExposedCore;
  readonly #records: Records;

  constructor(core: ExposedCore, records: Records) {
    this.#core = core;
    this.#records = records;
    this.syncToken$ = new core.Observable<string | undefined>();
  }

  read(keys: readonly RecordKey[]) {
    return this.#operation<readonly unknown[]>("read", keys, () =>
      keys.map(([kind, id]) => this.#records.get(kind)?.get(id)),
    );
  }

  readKinds(kinds: readonly string[]) {
    return this.#operation<readonly ReadonlyMap<string, unknown>[]>("readKinds", kinds, () =>
      kinds.map((kind) => new Map(this.#records.get(kind))),
    );
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>) {
    return this.#operation<T>("update", [keys, change], () => {
      const { puts, deletes, result } = change(keys.map(([kind, id]) => this.#records.get(kind)?.get(id)));
      for (const [kind, id] of deletes) this.#records.get(kind)?.delete(id);
      for (const [[kind, id], record] of puts) {
        let records = this.#records.get(kind);
        if (records === undefined) this.#records.set(kind, (records = new Map()));
        records.set(id, record);
      }
      return result;
    });
  }

  clear() {
    return this.#operation<undefined>("clear", [], () => void this.#records.clear());
  }

  #operation<T>(name: string, given: unknown, effect: () => T) {
    const start = (subscriber: Subscriber<T>) => {
      const operation: Operation = {
        name,
        effect: noteCaptured(`effect of ${name}`, effect, () => [given]),
        subscriber,
      };
      this.pending.push(operation);
      return noteCaptured(
        "end of an operation",
        () => {
          const place = this.pending.indexOf(operation);
          if (place !== -1) this.pending.splice(place, 1);
        },
        () => [operation],
      );
    };
    return new this.#core.Observable<T>(noteCaptured(`start of ${name}`, start, () => [given]));
  }
}
