import type { Observable } from "rxjs";
import { TestScheduler, type RunHelpers } from "rxjs/testing";
import { expect } from "vitest";

/** An observable of marbles, which records its subscriptions. */
interface Scripted<T> extends Observable<T> {
  readonly subscriptions: ReturnType<RunHelpers["cold"]>["subscriptions"];
}

export interface Marbles extends Omit<RunHelpers, "cold" | "hot"> {
  /** As RxJS has it, except that its type parameter has a default. */
  readonly cold: <T = never>(marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => Scripted<T>;
  readonly hot: <T = never>(marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => Scripted<T>;
  readonly scheduler: TestScheduler;
  /** Runs an action at each frame: a letter of the marbles stands for one. */
  readonly acts: (marbles: string, actions: Readonly<Record<string, () => void>>) => void;
  /** Checks something when virtual time is over. */
  readonly afterwards: (check: () => void) => void;
}

/** A test in virtual time, for `it`. One frame is a millisecond; spaces only align. */
export function marbles(test: (helpers: Marbles) => void): () => void {
  return () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    const checks: (() => void)[] = [];
    scheduler.run((helpers) => {
      const acts = (timing: string, actions: Readonly<Record<string, () => void>>) => {
        helpers.cold(timing, actions).subscribe((action) => {
          action();
        });
      };
      test({ ...helpers, scheduler, acts, afterwards: (check) => checks.push(check) });
    });
    for (const check of checks) check();
  };
}
