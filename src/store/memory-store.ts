import { defer, Observable, of, Subject } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "./device-store.js";
import { savedToken } from "./records.js";

/** Creates a store that keeps everything in memory, for one page load or one test. It emits synchronously. */
export function memoryStore(): DeviceStore {
  const kinds = new Map<string, Map<string, unknown>>();
  const get = ([kind, id]: RecordKey) => kinds.get(kind)?.get(id);
  const { announced$, deliver } = deliveries();

  const write = ({ puts, deletes }: Update<unknown>) => {
    for (const [kind, id] of deletes) kinds.get(kind)?.delete(id);
    for (const [[kind, id], record] of puts) {
      const records = kinds.get(kind);
      if (records === undefined) kinds.set(kind, new Map([[id, record]]));
      else records.set(id, record);
    }
  };

  const store: DeviceStore = {
    syncToken$: defer(() => savedToken(store)),
    commits$: announced$,
    clear: () =>
      defer(() => {
        kinds.clear();
        return of(undefined);
      }),
    read: (keys) => defer(() => of(keys.map(get))),
    readKinds: (wanted) => defer(() => of(wanted.map((kind) => new Map(kinds.get(kind))))),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>) =>
      new Observable<T>((subscriber) => {
        const update = change(keys.map(get));
        write(update);
        deliver({
          announce: update.announce,
          emitResult: () => {
            subscriber.next(update.result);
            subscriber.complete();
          },
        });
      }),
  };
  return store;
}

interface Delivery {
  readonly announce: unknown;
  readonly emitResult: () => void;
}

/**
 * Emits each update's announcement, then its result.
 *
 * A subscriber may update the store from within an announcement. Without the queue, later subscribers would receive
 * that update's announcement before the one still being emitted. Its result waits too, since it must not overtake its
 * announcement.
 */
function deliveries() {
  const announced$ = new Subject<unknown>();
  const queue: Delivery[] = [];
  let announcing = false;

  const deliver = (delivery: Delivery) => {
    queue.push(delivery);
    while (!announcing) {
      const next = queue.shift();
      if (next === undefined) return;
      if (next.announce !== undefined) {
        announcing = true;
        announced$.next(next.announce);
        announcing = false;
      }
      next.emitResult();
    }
  };
  return { announced$: announced$.asObservable(), deliver };
}
