import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES } from "./examples.js";
import { EXPLANATIONS } from "./explained.js";
import { makeHistory } from "./history.js";
import { makeKeyPairs } from "./key-pair.js";
import { Random } from "../support/random.js";
import { SEED } from "../support/seed.js";
import { runHistory, Tally } from "./run.js";
import { loadTheirs } from "./their-verdict.js";

/** Answers to compare; `DIFFERENTIAL_ANSWERS=10000 npx vitest run --project node spec/differential --testTimeout 7200000` for many. */
const ANSWERS = Number(process.env.DIFFERENTIAL_ANSWERS ?? 150);

describe("what becomes of an answer, here and in matrix-sdk-crypto", () => {
  const pairs = makeKeyPairs(new Random(0));
  beforeAll(loadTheirs);

  it("is the same, or differs as the docs say", { timeout: 60_000 + ANSWERS * 500 }, async () => {
    const tally = new Tally();
    for (let number = SEED; tally.answers < ANSWERS; number++)
      await runHistory(number, makeHistory(number, pairs), tally);
    console.info(`seed ${SEED}: ${String(tally)}`);
    expect(tally.unexplained).toEqual([]);
  });

  it.each([...new Set(EXPLANATIONS.map(({ name }) => name))])("differs by %s, for one", async (name) => {
    const tally = new Tally();
    const { [name]: number } = EXAMPLES;
    if (number !== undefined) await runHistory(number, makeHistory(number, pairs), tally);
    expect([...tally.explained.keys()]).toContain(name);
    expect(tally.unexplained).toEqual([]);
  });

  it("is told in the docs, class by class", () => {
    const docs = readFileSync(new URL("../../docs/differences.md", import.meta.url), "utf8");
    const told = Array.from(docs.matchAll(/^\| `([a-z0-9-]+)` \|/gmu), ([, name]) => name);
    expect(told.sort()).toEqual([...new Set([...EXPLANATIONS.map(({ name }) => name), "long-key"])].sort());
  });
});
