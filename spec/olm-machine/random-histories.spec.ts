import fc from "fast-check";
import { expect, it } from "vitest";
import { SEED } from "../support/seed.js";
import { arbitraryHistory } from "./histories.js";
import { playAlone } from "./lone-history.js";
import { playServed } from "./served-history.js";

/** `PROPERTY_RUNS=2000 npx vitest run --project node spec/olm-machine` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 25);

it("a served machine keeps right lists in random histories", { timeout: 60_000 + RUNS * 2_000 }, async () => {
  const property = fc.asyncProperty(arbitraryHistory, async (history) => {
    expect(await playServed(history)).toEqual([]);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});

it("a machine that is not served does not", { timeout: 60_000 + RUNS * 2_000 }, async () => {
  const histories = fc.sample(arbitraryHistory, { numRuns: RUNS, seed: SEED });
  const outcomes = { right: 0, older: 0, wrong: 0 };
  for (const history of histories) {
    const faults = await playAlone(history);
    if (faults.some((fault) => fault.includes("older"))) outcomes.older++;
    else if (faults.length > 0) outcomes.wrong++;
    else outcomes.right++;
  }
  if (process.env.PROPERTY_RUNS !== undefined) console.log(`PROPERTY_SEED=${SEED}`, outcomes);
  expect(outcomes.older).toBeGreaterThan(0);
});
