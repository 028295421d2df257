import { describe, expect, it } from "vitest";
import { SEED } from "../../support/seed.js";
import { collectUnhandledErrors } from "../../support/unhandled-errors.js";
import { Exploration } from "./exploration.js";
import { faultsOf, OPERATIONS } from "./faults.js";

/** Scripts with one fault, at least; `PROOF_RUNS=10000 npx vitest run --project node spec/proofs/faults --testTimeout 7200000` for long. */
const RUNS = Number(process.env.PROOF_RUNS ?? 1_000);
const REPLAY = process.env.PROOF_REPLAY;

describe("whatever operation of the store fails, hangs, or is the last one before a crash", () => {
  const takeUnhandled = collectUnhandledErrors();

  it("every promise holds, before and after", { timeout: 60_000 + RUNS * 100 }, () => {
    const exploration = new Exploration(takeUnhandled);
    if (REPLAY !== undefined) {
      exploration.replay(REPLAY);
      return;
    }
    for (let seed = SEED; exploration.histories < RUNS; seed++) {
      const broken = exploration.explore(seed);
      if (broken !== undefined) expect.fail(broken);
    }
    const { scripts, operations, histories, foundCurrent, hits } = exploration;
    const counted = Array.from(hits, ([hit, times]) => `${hit} ${times}`)
      .sort()
      .join(", ");
    console.log(
      `Seed ${SEED}: ${scripts} scripts with ${operations} operations, ${histories} histories with a fault; ${foundCurrent} lists found current after a crash. Faults: ${counted}.`,
    );

    const possible = OPERATIONS.flatMap((operation) => faultsOf(operation).map(({ name }) => `${operation} ${name}`));
    expect(possible.filter((hit) => !hits.has(hit))).toEqual([]);
    expect(foundCurrent).toBeGreaterThan(0);
  });
});
