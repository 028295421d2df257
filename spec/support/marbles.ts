import { TestScheduler, type RunHelpers } from "rxjs/testing";
import { expect } from "vitest";

export interface Marbles extends RunHelpers {
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
