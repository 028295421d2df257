import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { bundleProofPage } from "../browser/bundle-proof-page.js";
import { isSkipped } from "../../support/installed-chromium.js";
import { killAgainAndAgain } from "./kill-again-and-again.js";
import { KillFigures } from "./kill-figures.js";
import { KilledBrowser } from "./killed-browser.js";

/** `npm run proof:kills` sets 200. */
const KILLS = Number(process.env.PROOF_KILLS ?? 5);

describe.skipIf(isSkipped)("a browser that is killed while it writes", () => {
  let script: string;
  beforeAll(async () => {
    script = await bundleProofPage();
  }, 120_000);

  it(
    `keeps what was durable, and trusts no older list (${KILLS} kills)`,
    { timeout: 60_000 + KILLS * 10_000 },
    async () => {
      const random = new Random(SEED);
      const figures = new KillFigures();
      while (figures.kills < KILLS)
        await killAgainAndAgain(await KilledBrowser.make(), { script, random, kills: KILLS, figures });
      console.info(`PROPERTY_SEED=${SEED}: ${JSON.stringify(figures)}`);
      // Now and then a browser loses its database; if it happened often, little would be proved.
      expect(figures.databasesLost).toBeLessThanOrEqual(Math.ceil(KILLS / 20));
    },
  );
});
