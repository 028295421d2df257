import fc from "fast-check";
import { expect, it } from "vitest";
import { SEED } from "../support/seed.js";
import { arbitraryHistory } from "./histories.js";
import { playServed } from "./served-history.js";

/** `PROPERTY_RUNS=2000 npx vitest run --project node spec/olm-machine` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 40);

it("a served machine keeps right lists in random histories", { timeout: 60_000 + RUNS * 2_000 }, async () => {
  const property = fc.asyncProperty(arbitraryHistory, async (history) => {
    expect(await playServed(history)).toEqual([]);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});
