import { defer, EMPTY, exhaustMap, of, repeat, tap, type Observable, type OperatorFunction } from "rxjs";

/**
 * Runs one round after the other. Another one follows if a cause arrives during a round, or if the round reports that
 * more may be due.
 *
 *     causes   --a----b--------
 *     rounds     r1···r2··|      r2 begins when r1 ends
 */
export const inRounds =
  <T>(round: (moreIsDue: () => void) => Observable<T>): OperatorFunction<unknown, T> =>
  (causes$) =>
    defer(() => {
      let isDue = false;
      const moreIsDue = () => {
        isDue = true;
      };
      const rounds$ = defer(() => {
        isDue = false;
        return round(moreIsDue);
      }).pipe(repeat({ delay: () => (isDue ? of(true) : EMPTY) }));
      return causes$.pipe(
        tap(moreIsDue),
        exhaustMap(() => rounds$),
      );
    });
