import { config } from "rxjs";
import { afterEach, beforeEach, vi } from "vitest";

/** Collects unhandled errors in each test of the suite. Returns a function that takes those so far. */
export function collectUnhandledErrors(): () => readonly unknown[] {
  let unhandled: unknown[] = [];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout"] }); // RxJS reports them from a timeout
    config.onUnhandledError = (error: unknown) => void unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
    vi.useRealTimers();
  });
  return () => {
    vi.runAllTimers();
    const taken = unhandled;
    unhandled = [];
    return taken;
  };
}
