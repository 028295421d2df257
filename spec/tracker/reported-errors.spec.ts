import { concat, concatMap, from, map, of, retry, Subject, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { withReportedErrors } from "../../src/tracker/reported-errors.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";

const LOGGED_OUT = new Error("logged out");
const failing = (error: unknown = LOGGED_OUT) =>
  withReportedErrors(
    concat(
      of(1, 2),
      throwError(() => error),
    ),
  );

describe("an error that has been reported", () => {
  const unhandled = collectUnhandledErrors();

  it("is emitted to a subscriber that handles errors", () => {
    const seen: unknown[] = [];
    const see = (value: unknown) => seen.push(value);
    failing().subscribe({ next: see, error: see });
    failing().pipe(map(String)).subscribe({ error: see });
    expect(seen).toEqual([1, 2, LOGGED_OUT, LOGGED_OUT]);
  });

  it("is not thrown if a subscriber does not handle it", () => {
    const seen: unknown[] = [];
    const subscription = failing().subscribe((value) => seen.push(value));
    failing().subscribe();
    failing().subscribe({ next: (value) => seen.push(value) });
    expect(seen).toEqual([1, 2, 1, 2]);
    expect(subscription.closed).toBe(true);
    expect(unhandled()).toEqual([]);
  });

  it("is not thrown after operators either", () => {
    const seen: unknown[] = [];
    failing()
      .pipe(map((value) => value * 10))
      .pipe(concatMap((value) => of(value, value + 1)))
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([10, 11, 20, 21]);
    expect(unhandled()).toEqual([]);
  });

  it("may be any value", () => {
    failing("logged out").subscribe();
    expect(unhandled()).toEqual([]);
  });

  it("reaches the operators that handle it", () => {
    const seen: unknown[] = [];
    failing()
      .pipe(retry(1))
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([1, 2, 1, 2]);
  });

  it("keeps the methods of an observer that handles no errors", () => {
    class Counter {
      count = 0;
      next() {
        this.count += 1;
      }
    }
    const counter = new Counter();
    failing().subscribe(counter);
    expect(counter.count).toBe(2);
  });
});

describe("an error that has not been reported", () => {
  const unhandled = collectUnhandledErrors();

  it("is thrown if it comes from an operator", () => {
    const mistake = new TypeError("a mistake in the application");
    failing()
      .pipe(
        map(() => {
          throw mistake;
        }),
      )
      .subscribe();
    expect(unhandled()).toEqual([mistake]);
  });

  it("is thrown if it comes from the subscriber", () => {
    const mistake = new TypeError("a mistake in the application");
    failing().subscribe((value) => {
      if (value === 2) throw mistake;
    });
    expect(unhandled()).toEqual([mistake]);
  });
});

describe("a stream whose errors are reported", () => {
  it("is unsubscribed from, completes, and is an observable like any other", () => {
    const source$ = new Subject<number>();
    const stream$ = withReportedErrors(source$);
    const seen: unknown[] = [];
    const subscription = stream$.subscribe((value) => seen.push(value));
    from(stream$).subscribe({ complete: () => seen.push("complete") });
    source$.next(1);
    subscription.unsubscribe();
    source$.next(2);
    source$.complete();
    expect(seen).toEqual([1, "complete"]);
  });
});
