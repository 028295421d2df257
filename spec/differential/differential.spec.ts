import { beforeAll, describe, expect, it } from "vitest";
import { documentedClasses } from "./documented-classes.js";
import { EXAMPLES } from "./examples.js";
import { EXPLANATIONS } from "./explained.js";
import { makeHistory } from "./history.js";
import { makeKeyPairs } from "./key-pair.js";
import { Random } from "../support/random.js";
import { SEED } from "../support/seed.js";
import { runHistory, Tally } from "./run.js";
import { loadTheirs } from "./their-verdict.js";

/**
 * Responses to compare. For many of them: `DIFFERENTIAL_ANSWERS=10000 npx vitest run --project node spec/differential
 * --testTimeout 7200000`
 */
const RESPONSES = Number(process.env.DIFFERENTIAL_ANSWERS ?? 150);

describe("the result of a response, compared with matrix-sdk-crypto", () => {
  const pairs = makeKeyPairs(new Random(0));
  beforeAll(loadTheirs);

  it("is the same, or differs as documented", { timeout: 60_000 + RESPONSES * 500 }, async () => {
    const tally = new Tally();
    for (let number = SEED; tally.responses < RESPONSES; number++)
      await runHistory(number, makeHistory(number, pairs), tally);
    console.info(`seed ${SEED}: ${String(tally)}`);
    expect(tally.unexplained).toEqual([]);
  });

  it.each([...new Set(EXPLANATIONS.map(({ name }) => name))])("differs by %s in an example", async (name) => {
    const tally = new Tally();
    const { [name]: number } = EXAMPLES;
    if (number !== undefined) await runHistory(number, makeHistory(number, pairs), tally);
    expect([...tally.explained.keys()]).toContain(name);
    expect(tally.unexplained).toEqual([]);
  });

  it("differs only by documented classes, and by all of them", () => {
    const names = [...new Set([...EXPLANATIONS.map(({ name }) => name), "long-key"])];
    expect(documentedClasses("responses")).toEqual(names.sort());
  });
});
