import {
  defaultIfEmpty,
  defer,
  throwError,
  throwIfEmpty,
  timeout,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
} from "rxjs";
import { StoreTimedOutError } from "../model/errors.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { DeviceStore } from "./device-store.js";

const answered = <T>(): MonoTypeOperatorFunction<T> =>
  throwIfEmpty(() => new Error("the device store completed an operation without a result"));

/** The store with a deadline on every operation; an operation that misses it fails with {@link StoreTimedOutError}. */
export function withStoreDeadline(store: DeviceStore, deadline: number, scheduler: SchedulerLike): DeviceStore {
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
    read: (keys) => defer(() => store.read(keys)).pipe(inTime(), answered()),
    readKinds: (kinds) => defer(() => store.readKinds(kinds)).pipe(inTime(), answered()),
    update: (keys, change) => defer(() => store.update(keys, change)).pipe(inTime(), answered()),
  };
}
