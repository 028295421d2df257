import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { arbitraryHistory } from "./arbitrary-history.js";
import { World } from "./world.js";

/** Histories for each property; `PROPERTY_RUNS=100000 npx vitest run spec/properties` for long ones. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 1_000);

describe("in whatever order things happen, every promise holds", () => {
  const takeUnhandled = collectUnhandledErrors();

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
      { numRuns: RUNS, includeErrorInReport: true },
    );
  });
});
