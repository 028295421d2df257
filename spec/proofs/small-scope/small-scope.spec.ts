import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { explore } from "./explore.js";
import { exposedCore } from "./exposed-core.js";
import { differenceOf } from "./merges.js";
import { SCOPES } from "./scope.js";
import { surroundings, type Surroundings } from "./small-world.js";
import { startOf } from "./starts.js";

/** How long to go on, in minutes: `PROOF_MINUTES=30 npx vitest run --project node spec/proofs/small-scope --testTimeout 7200000`. Without it, up to a length that takes seconds. */
const MINUTES = process.env.PROOF_MINUTES === undefined ? undefined : Number(process.env.PROOF_MINUTES);
/** Of the histories that were found equal, so many are gone on from, to see whether they are. */
const COMPARED = MINUTES === undefined ? 60 : 2_000;
/** More functions, prototypes and symbols than these are not made once, but again and again: then nothing would ever be found equal. */
const MOST_STATICS = 100;

describe("every history up to a length, of two trackers on one store that look up two users", () => {
  let around: Surroundings;
  let end = Number.POSITIVE_INFINITY;
  let scopesLeft = SCOPES.length;
  beforeAll(async () => {
    around = surroundings(await exposedCore());
    if (MINUTES !== undefined) end = performance.now() + MINUTES * 60_000;
  }, 60_000);

  it.each(SCOPES)(
    "keeps every promise: $name, beginning with $beginning",
    { timeout: 300_000 + (MINUTES ?? 0) * 60_000 },
    ({ name, beginning, budget, length }) => {
      const random = new Random(SEED);
      const chance = () => random.next();
      const start = startOf(beginning, around);
      const now = performance.now();
      const until = now + (end - now) / scopesLeft--; // what one scope leaves is for the others
      const from = process.cpuUsage().user;
      const { levels, complete, sample, broken } = explore(around, start, budget, {
        length: MINUTES === undefined ? length : Number.POSITIVE_INFINITY,
        sampleSize: COMPARED,
        chance,
        goOn: () => performance.now() < until,
      });
      if (broken !== undefined) expect.fail(broken);
      const seconds = (process.cpuUsage().user - from) / 1e6;
      const sum = (of: "states" | "transitions" | "merges") => levels.reduce((all, level) => all + level[of], 0);
      for (const merge of sample) {
        const difference = differenceOf(merge, around, start, budget, chance);
        if (difference !== undefined)
          expect.fail(
            `PROPERTY_SEED=${SEED}, two histories that were found equal, gone on from at random: ${difference}`,
          );
      }
      console.info(
        `${name}, beginning with ${beginning}: ${complete ? "histories of any length" : `up to length ${levels.length}`}: ${1 + sum("states")} states, ${sum("transitions")} transitions, ` +
          `${sum("merges")} merges, of which ${sample.length} compared (PROPERTY_SEED=${SEED}); ${seconds.toFixed(1)} s of one core`,
      );
      expect(around.statics.size).toBeLessThan(MOST_STATICS);
    },
  );
});
