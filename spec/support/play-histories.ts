import fc from "fast-check";
import { SEED } from "./seed.js";

/** Plays random histories. If one fails, plays the shortest one that does again, traced, and fails with its error. */
export function playHistories<History>(
  histories: fc.Arbitrary<History>,
  runs: number,
  play: (history: History, isTraced: boolean) => void,
): void {
  const report = ({ failed, counterexample, seed, counterexamplePath, errorInstance }: fc.RunDetails<[History]>) => {
    if (!failed) return;
    if (counterexample === null) throw new Error("the run was interrupted");
    const [history] = counterexample;
    console.error(`seed ${seed}, path ${counterexamplePath ?? ""}\n${JSON.stringify(history)}`);
    play(history, true);
    throw errorInstance as Error;
  };
  fc.assert(
    fc.property(histories, (history) => {
      play(history, false);
    }),
    { numRuns: Math.ceil(runs), seed: SEED, reporter: report },
  );
}
