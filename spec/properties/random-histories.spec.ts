import fc from "fast-check";
import { config } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { arbitraryHistory } from "./arbitrary-history.js";
import { World } from "./world.js";

/** Histories for each property; `PROPERTY_RUNS=100000 npx vitest run spec/properties` for long ones. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 1_000);

describe("in whatever order things happen, every promise holds", () => {
  let unhandled: unknown[] = [];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout"] }); // RxJS reports errors that nobody handles from one
    config.onUnhandledError = (error: unknown) => void unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
    vi.useRealTimers();
  });
  const takeUnhandled = () => {
    vi.runAllTimers();
    const taken = unhandled;
    unhandled = [];
    return taken;
  };

  it.each([
    ["to one tracker", 1],
    ["to two trackers with one store", 2],
  ] as const)("%s", { timeout: 60_000 + RUNS * 50 }, (_, tabs) => {
    const builtIn = Object.getOwnPropertyNames(Object.prototype).join();
    fc.assert(
      fc.property(arbitraryHistory(tabs), ([setup, commands]) => {
        new World(setup, takeUnhandled).run(commands);
        expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(builtIn);
      }),
      { numRuns: RUNS, includeErrorInReport: true, ...(process.env.PROPERTY_SEED !== undefined && { seed: Number(process.env.PROPERTY_SEED) }) },
    );
  });
});
