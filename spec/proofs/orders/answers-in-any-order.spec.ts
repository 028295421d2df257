import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { SEED } from "../../support/seed.js";
import { collectUnhandledErrors } from "../../support/unhandled-errors.js";
import { OrdersWorld } from "./orders-world.js";
import { noOvertakings, type Overtakings } from "./overtakings.js";
import { arbitraryScript } from "./script.js";

/** Histories in all; `PROOF_RUNS=10000 npx vitest run --project node spec/proofs/orders --testTimeout 7200000` for a long proof. */
const RUNS = Number(process.env.PROOF_RUNS ?? 1_000);

describe("in whatever order the ports answer, every promise holds", () => {
  const takeUnhandled = collectUnhandledErrors();
  const explored = { histories: 0, tasks: 0, overtakings: noOvertakings() };
  afterAll(() => {
    console.log(
      `seed ${SEED}: ${explored.histories} histories of ${explored.tasks} scheduled tasks, in which\n${Object.entries(
        explored.overtakings,
      )
        .map(([what, times]) => `${String(times).padStart(9)} times ${what}`)
        .join("\n")}`,
    );
  });

  it.each([
    ["to one tracker", 1, 0.35],
    ["to two trackers with one store", 2, 0.5],
    ["to three trackers with one store", 3, 0.15],
  ] as const)("%s", { timeout: 60_000 + RUNS * 100 }, async (_, tabs, share) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), arbitraryScript(tabs), async (scheduler, [setup, orders]) => {
        const world = new OrdersWorld(setup, scheduler, takeUnhandled);
        explored.tasks += await world.run(orders);
        explored.histories++;
        for (const what of Object.keys(world.overtakings) as (keyof Overtakings)[])
          explored.overtakings[what] += world.overtakings[what];
      }),
      { numRuns: Math.ceil(RUNS * share), seed: SEED, includeErrorInReport: true },
    );
  });

  it("of which every kind of overtaking is a part, again and again", () => {
    for (const [what, times] of Object.entries(explored.overtakings)) expect(times, what).toBeGreaterThan(RUNS / 500);
  });
});
