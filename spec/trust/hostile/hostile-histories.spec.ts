import fc from "fast-check";
import { expect, it } from "vitest";
import { SEED } from "../../support/seed.js";
import { arbitraryHistory, type History } from "./history.js";
import { HostileWorld } from "./world.js";

/** `PROPERTY_RUNS=10000 npx vitest run --project node spec/trust/hostile` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 300);

it(
  "a server that may say anything makes us trust nothing, and leaves nobody out for long",
  { timeout: 60_000 + RUNS * 100 },
  () => {
    fc.assert(
      fc.property(arbitraryHistory, ({ isConfirmed, events }: History) => {
        new HostileWorld({ isConfirmed }).run(events);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect.assertions(0);
  },
);
