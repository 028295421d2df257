import {
  defaultIfEmpty,
  defer,
  take,
  throwError,
  throwIfEmpty,
  timeout,
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { StoreTimedOutError } from "../model/errors.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { DeviceStore } from "./device-store.js";

/** Adds a deadline to every operation of a store; an operation that misses it fails with {@link StoreTimedOutError}. */
export function withStoreDeadline(store: DeviceStore, deadline: number, scheduler: SchedulerLike): DeviceStore {
  const once = <T>(operation: () => Observable<T>): Observable<T> =>
    defer(operation).pipe(
      inTime(),
      throwIfEmpty(() => new Error("the device store completed an operation without a result")),
      take(1),
    );
  const inTime = <T>(): MonoTypeOperatorFunction<T> =>
    timeout({
      first: Math.min(deadline, MAX_DELAY),
      scheduler,
      with: () => throwError(() => new StoreTimedOutError(deadline)),
    });
  return {
    syncToken$: store.syncToken$,
    commits$: store.commits$,
    clear: () => defer(() => store.clear()).pipe(inTime(), defaultIfEmpty(undefined)),
    read: (keys) => once(() => store.read(keys)),
    readKinds: (kinds) => once(() => store.readKinds(kinds)),
    update: (keys, change) => once(() => store.update(keys, change)),
  };
}
