import { concat, defer, EMPTY, forkJoin, map, materialize, takeWhile, tap, toArray, type Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../store/device-store.js";
import { ContractBrokenError } from "./contract-broken-error.js";
import { deepEqual } from "./deep-equal.js";

/** One promise of a store. The steps check it; `reopen` opens another store on the same data, as another tab does. */
export interface StorePromise {
  readonly title: string;
  readonly steps: (store: DeviceStore, reopen: () => DeviceStore) => Observable<unknown>;
}

export type Put = readonly [key: RecordKey, record: unknown];

export const ALICE: RecordKey = ["state", "@alice:example.org"];
export const BOB: RecordKey = ["state", "@bob:example.org"];
export const COUNTER: RecordKey = ["account", "counter"];

export const inTurn = (...steps: readonly Observable<unknown>[]): Observable<unknown> => concat(...steps);

export const write = (
  store: DeviceStore,
  puts: readonly Put[],
  deletes: readonly RecordKey[] = [],
): Observable<undefined> =>
  emits(
    store.update([], () => written(puts, deletes)),
    undefined,
  );

export const announce = (store: DeviceStore, announcement: unknown): Observable<undefined> =>
  emits(
    store.update([], () => ({ puts: [], deletes: [], result: undefined, announce: announcement })),
    undefined,
  );

/** An update that only writes. */
export const written = (puts: readonly Put[], deletes: readonly RecordKey[] = []): Update<undefined> => ({
  puts,
  deletes,
  result: undefined,
});

/** Increments the counter and returns it. */
export const increment = (store: DeviceStore): Observable<number> =>
  store.update([COUNTER], ([count = 0]) => {
    const next = (count as number) + 1;
    return { puts: [[COUNTER, next]], deletes: [], result: next };
  });

/** Checks that the operation emits exactly one value, equal to this one, and completes. */
export const emits = <T>(operation$: Observable<T>, expected: unknown): Observable<T> =>
  operation$.pipe(
    toArray(),
    tap((values) => equal("the emitted values", values, [expected])),
    map(([value]) => value as T),
  );

/** Checks that the operation fails with this very error, before it emits anything. */
export const failsWith = (operation$: Observable<unknown>, error: unknown): Observable<unknown> =>
  operation$.pipe(
    materialize(),
    map((event) => (event.kind === "E" ? (event.error as unknown) : event.kind)),
    toArray(),
    tap((events) => equal("how the operation ended", events, [error])),
  );

/** Checks a value once the previous steps are done. */
export const check = (what: string, actual: () => unknown, expected: unknown): Observable<never> =>
  defer(() => {
    equal(what, actual(), expected);
    return EMPTY;
  });

/**
 * Checks what `observer` emits on `commits$` during the steps, until it receives a final announcement that `store`
 * makes after them.
 */
export const announces = (
  observer: DeviceStore,
  store: DeviceStore,
  steps$: Observable<unknown>,
  expected: readonly unknown[],
): Observable<unknown> =>
  forkJoin([announcedUntilEnd(observer), inTurn(steps$, announce(store, THE_END))]).pipe(
    tap(([announced]) => equal("the announcements", announced, expected)),
  );

export const THE_END = "the end";

/** What the store's `commits$` emits before {@link THE_END}. */
export const announcedUntilEnd = (store: DeviceStore): Observable<readonly unknown[]> =>
  store.commits$.pipe(
    takeWhile((announcement) => announcement !== THE_END),
    toArray(),
  );

export function equal(what: string, actual: unknown, expected: unknown): void {
  if (!deepEqual(actual, expected)) throw new ContractBrokenError(what, expected, actual);
}
