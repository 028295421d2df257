import type { Observable } from "rxjs";
import { TestScheduler, type RunHelpers } from "rxjs/testing";
import { expect } from "vitest";

/** An observable of marbles, which knows who subscribed to it and when. */
interface Scripted<T> extends Observable<T> {
  readonly subscriptions: ReturnType<RunHelpers["cold"]>["subscriptions"];
}

export interface Marbles extends Omit<RunHelpers, "cold" | "hot"> {
  /** RxJS's own, but for the type of one that emits nothing. */
  readonly cold: <T = never>(marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => Scripted<T>;
  readonly hot: <T = never>(marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => Scripted<T>;
  readonly scheduler: TestScheduler;
  /** Does something at each frame that the marbles name: a letter stands for an action. */
  readonly acts: (marbles: string, actions: Readonly<Record<string, () => void>>) => void;
  /** What to check once all of virtual time has passed. */
  readonly afterwards: (check: () => void) => void;
}

/** A test in virtual time, for `it`: one frame is a millisecond, spaces only align. */
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
