import fc from "fast-check";
import { afterAll, describe, it } from "vitest";
import { SEED } from "../support/seed.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { arbitraryHistory, type History } from "./history.js";
import { World } from "./world.js";

/** Histories in all. `PROPERTY_RUNS=50000 npx vitest run --project node spec/properties` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 600);

describe("every promise holds in random histories", () => {
  const takeUnhandled = collectUnhandledErrors();
  afterAll(() => {
    if (process.env.PROPERTY_RUNS !== undefined) console.log(`PROPERTY_SEED=${SEED}, ${RUNS} histories`);
  });

  it.each([
    [1, 0.5],
    [2, 0.3],
    [3, 0.2],
  ])("of %d trackers on one store", { timeout: 60_000 + RUNS * 100 }, (tabs, share) => {
    fc.assert(
      fc.property(arbitraryHistory(tabs), (history: History) => play(history, false)),
      { numRuns: Math.ceil(RUNS * share), seed: SEED, reporter: report },
    );
  });

  function play(history: History, isTraced: boolean): void {
    new World(history.setup, takeUnhandled, isTraced).run(history);
  }

  /** Plays the shortest failing history again and shows what happened. */
  function report({ failed, counterexample, seed, counterexamplePath, errorInstance }: fc.RunDetails<[History]>): void {
    if (!failed) return;
    if (counterexample === null) throw new Error("the run was interrupted");
    const [history] = counterexample;
    console.error(`seed ${seed}, path ${counterexamplePath ?? ""}\n${JSON.stringify(history)}`);
    play(history, true);
    throw errorInstance as Error;
  }
});
