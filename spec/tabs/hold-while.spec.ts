import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { holdWhile } from "../../src/tabs/hold-while.js";
import { marbles } from "../support/marbles.js";

const asleep = { t: true, f: false };

describe("holdWhile", () => {
  it(
    "holds what comes meanwhile, and then emits it in order, at once",
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const asleep$ = hot("  f-t-------f------t--f---", asleep);
      const source$ = hot("  a--b---c-------d--e-----");
      const unsubscribed = " ^----------------------!";
      const expected = "     a---------(bc)-d----e---";
      expectObservable(source$.pipe(holdWhile(asleep$, 10)), unsubscribed).toBe(expected);
      expectSubscriptions(source$.subscriptions).toBe(unsubscribed);
      expectSubscriptions(asleep$.subscriptions).toBe(unsubscribed);
    }),
  );

  it(
    "keeps the last where there are too many",
    marbles(({ hot, expectObservable }) => {
      const asleep$ = hot("  t------f", asleep);
      const source$ = hot("  -a-b-c--");
      const expected = "     -------(bc)";
      expectObservable(source$.pipe(holdWhile(asleep$, 2))).toBe(expected);
    }),
  );

  it("emits nothing more to one who leaves in the middle of what was held", () => {
    const source$ = new Subject<number>();
    const asleep$ = new Subject<boolean>();
    const seen: number[] = [];
    const subscription = source$.pipe(holdWhile(asleep$, 10)).subscribe((value) => {
      seen.push(value);
      subscription.unsubscribe();
    });
    asleep$.next(true);
    for (const value of [1, 2, 3]) source$.next(value);
    asleep$.next(false);
    expect(seen).toEqual([1]);
    expect([source$.observed, asleep$.observed]).toEqual([false, false]);
  });

  it(
    "ends with the source",
    marbles(({ hot, expectObservable }) => {
      const asleep$ = hot("  f-----", asleep);
      expectObservable(hot(" a-|").pipe(holdWhile(asleep$, 2))).toBe("a-|");
      expectObservable(hot(" a-#").pipe(holdWhile(asleep$, 2))).toBe("a-#");
    }),
  );
});
