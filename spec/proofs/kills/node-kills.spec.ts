import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { bundleProofProcess } from "../node/bundle-proof-process.js";
import { killAgainAndAgain } from "./kill-again-and-again.js";
import { KillFigures } from "./kill-figures.js";
import { KilledProcess } from "./killed-process.js";

/** `npm run proof:kills` sets 200. */
const KILLS = Number(process.env.PROOF_KILLS ?? 10);

describe("a process of Node that is killed while it writes", () => {
  let bundle: Awaited<ReturnType<typeof bundleProofProcess>>;
  beforeAll(async () => {
    bundle = await bundleProofProcess();
  }, 120_000);
  afterAll(() => bundle.remove());

  it(
    `keeps what was durable, and trusts no older list (${KILLS} kills)`,
    { timeout: 60_000 + KILLS * 10_000 },
    async () => {
      const random = new Random(SEED);
      const figures = new KillFigures();
      await killAgainAndAgain(await KilledProcess.make(bundle.script), { random, kills: KILLS, figures });
      console.info(`PROPERTY_SEED=${SEED}: ${JSON.stringify(figures)}`);
      expect(figures.inTransaction).toBeGreaterThan(0);
    },
  );
});
