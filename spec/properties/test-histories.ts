import fc from "fast-check";
import { it } from "vitest";
import { SEED } from "../support/seed.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { arbitraryHistory, type History } from "./history.js";
import { World } from "./world.js";

/** Plays so many random histories in all, of up to three trackers. To be called from inside a suite. */
export function testHistories(runs: number): void {
  const takeUnhandled = collectUnhandledErrors();

  it.each([
    [1, 0.5],
    [2, 0.3],
    [3, 0.2],
  ])("of %d trackers on one store", { timeout: 60_000 + runs * 100 }, (tabs, share) => {
    fc.assert(
      fc.property(arbitraryHistory(tabs), (history: History) => play(history, false)),
      { numRuns: Math.ceil(runs * share), seed: SEED, reporter: report },
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
}
