import { afterAll, describe } from "vitest";
import { SEED } from "../support/seed.js";
import { testHistories } from "./test-histories.js";

/** Histories in all. `PROPERTY_RUNS=50000 npx vitest run --project node spec/properties` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 600);

describe("every promise holds in random histories", () => {
  testHistories(RUNS);
  afterAll(() => {
    if (process.env.PROPERTY_RUNS !== undefined) console.log(`PROPERTY_SEED=${SEED}, ${RUNS} histories`);
  });
});
