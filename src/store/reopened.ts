import { retry, switchMap, throwError, timer, type Observable, type SchedulerLike } from "rxjs";
import { StoreClearedError, StoreFormatError, StoreOwnerError } from "../model/errors.js";

/**
 * First wait before retrying a store that could not be opened, in ms: doubled each time, up to {@link LONGEST_WAIT}.
 */
export const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 600_000;

/** True if this error shows that this tracker will never be able to use the store. */
export const isFinal = (error: unknown): boolean =>
  error instanceof StoreOwnerError || error instanceof StoreFormatError || error instanceof StoreClearedError;

/**
 * Retries until a store can be opened. Fails if it never will be.
 *
 *     open$    #──── 30 s ────#──── 60 s ────···──── 10 min ────o
 *     result                                                    o
 */
export function reopened<T>(open$: Observable<T>, scheduler: SchedulerLike): Observable<T> {
  const wait = (failures: number) => timer(Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT), scheduler);
  return wait(0).pipe(
    switchMap(() =>
      open$.pipe(
        retry({ delay: (error, failures) => (isFinal(error) ? throwError(() => error as unknown) : wait(failures)) }),
      ),
    ),
  );
}
