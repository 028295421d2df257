import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SEED } from "../../support/seed.js";
import { Random } from "../../support/random.js";
import { startChromium, type OwnChromium } from "../../tabs/own-chromium.js";
import { breachesOfSaved, savedTokenOf, upToDateIn } from "../browser/breaches-of-saved.js";
import { bundleProofPage } from "../browser/bundle-proof-page.js";
import { openDrivenPage, type DrivenPage } from "../browser/driven-page.js";
import { startProofServer, type ProofServer } from "../browser/proof-server.js";
import { EVERYONE, OTHERS, OWN_USER } from "../browser/proof-users.js";
import { positionOf, tokenAt, Truth } from "../browser/truth.js";
import { unrest } from "../browser/unrest.js";
import { notAsTheServerHasIt, Witness } from "../browser/witness.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);

/** `PROOF_KILLS=200 npx vitest run --project node spec/proofs/kills --testTimeout 7200000` for a long one. */
const KILLS = Number(process.env.PROOF_KILLS ?? 5);
/** For what takes a tenth of a second; a slow machine may be slow. */
const eventually = { timeout: 20_000, interval: 10 };
/**
 * How often the browser may have thrown the whole database away and made another, as Chromium does where it cannot recover one: rarely, and that is the browser's doing.
 * Nobody counts as up to date then, and sync begins anew.
 */
const MOST_LOST = Math.max(1, KILLS / 100);
/** Longest time from one change to the next, in ms: from steps as fast as they can be taken to lists that are up to date for the most part. */
const PACES = [6, 30, 150] as const;

/** When the browser made the database that it has now, in ms since the epoch. */
async function bornAt(profile: string): Promise<number> {
  const folder = join(profile, "Default", "IndexedDB");
  const births = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name, "LOCK"))).birthtimeMs),
  );
  return Math.max(...births);
}

describe.skipIf(!hasChromium && process.env.CI === undefined)(
  "a browser that is killed in the middle of writing",
  () => {
    let script: string;
    let profile: string;
    let server: ProofServer | undefined;
    let browser: OwnChromium | undefined;

    beforeAll(async () => {
      [script, profile] = await Promise.all([bundleProofPage(), mkdtemp(join(tmpdir(), "kills-"))]);
    }, 120_000);
    afterAll(async () => {
      await browser?.kill();
      await server?.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    });

    it(
      `has saved whatever it called durable, half of nothing, and no list for up to date that is not (${KILLS} kills)`,
      { timeout: 60_000 + KILLS * 10_000 },
      async () => {
        const random = new Random(SEED);
        const truth = new Truth(OWN_USER);
        const changes = unrest(truth, OTHERS, random.fork());
        server = await startProofServer(script, truth, random.fork());
        const { url } = server;
        const hasGiven = (token: string) => server?.hasGiven(token) === true;
        const figures = {
          kills: 0,
          whileUpdating: 0,
          whileReading: 0,
          withStepsUnsaved: 0,
          whileStarting: 0,
          lookups: 0,
          current: 0,
          upToDateAfterKill: 0,
          databasesLost: 0,
          steps: 0,
        };
        let durable = -1;
        let lastKill = 0;
        let lastLife: Witness | undefined;

        const fine = (witness: Witness, breaches: readonly string[]) => {
          const all = [...breaches, ...witness.breaches];
          if (all.length > 0)
            expect.fail(
              [
                `after ${figures.kills} kills, PROPERTY_SEED=${SEED}`,
                ...all.slice(0, 20),
                ...(lastLife === undefined ? [] : [`before the kill ${lastLife.lastEvents}`]),
                witness.lastEvents,
              ].join("\n"),
            );
        };
        const look = async (page: DrivenPage, witness: Witness) => {
          const saved = await page.run("saved");
          const token = savedTokenOf(saved);
          const position = positionOf(token) ?? 0;
          const isEmpty = saved.account.length + saved.states.length + saved.lists.length === 0;
          const lost = isEmpty && durable >= 0 && (await bornAt(profile)) > lastKill;
          if (lost) durable = -1;
          fine(witness, [
            ...breachesOfSaved(saved, truth, hasGiven),
            ...(position < durable ? [`${tokenAt(durable)} was called durable, ${token} is saved`] : []),
          ]);
          return { position, lost, upToDate: upToDateIn(saved) };
        };
        const settle = async (page: DrivenPage, witness: Witness, startsOver: boolean) => {
          changes.pause();
          await page.run("connect");
          await expect.poll(() => witness.synced, eventually).toBe(truth.position);
          if (startsOver) await page.run("track", [...truth.shared]); // the initial sync announces nobody
          const answered = witness.answered(0);
          await page.run("lookup", 0, EVERYONE, false);
          fine(witness, notAsTheServerHasIt((await answered) ?? [], truth));
          const { position } = await look(page, witness);
          expect(position, "the saved token, once all is quiet").toBe(truth.position);
        };

        for (let life = 0; life <= KILLS; life++) {
          const witness = new Witness(`life ${life}`, truth);
          browser = await startChromium(executablePath, profile);
          const page = await openDrivenPage(
            browser.context,
            `${url}/?tab=tab${life}&user=${encodeURIComponent(OWN_USER)}`,
            (told) => witness.hear(told),
          );
          const { lost, upToDate } = await look(page, witness);
          figures.upToDateAfterKill += upToDate;
          if (lost) figures.databasesLost++;
          const isLast = life === KILLS;
          const settles = isLast || life === 0 || lost || random.chance(0.5);
          if (settles) await settle(page, witness, lost);
          else await page.run("connect");
          if (isLast) break;

          // Now that the initial sync, which announces nobody, is done.
          if (life === 0) for (const user of OTHERS) truth.join(user);
          truth.announce();
          changes.resume(random.pick(PACES));
          await page.run("work", life, EVERYONE);
          await new Promise((resolve) => setTimeout(resolve, random.between(settles ? 50 : 0, 1_200)));
          await browser.kill();
          lastKill = Date.now();
          changes.pause();
          figures.kills++;
          if (witness.updating > 0) figures.whileUpdating++;
          else if (witness.reading > 0) figures.whileReading++;
          if (witness.given > witness.synced) figures.withStepsUnsaved++;
          if (witness.synced === -1) figures.whileStarting++;
          figures.lookups += witness.lookups;
          figures.current += witness.current;
          durable = Math.max(durable, witness.synced);
          fine(witness, []);
          lastLife = witness;
          for (let missed = random.between(0, 5); missed > 0; missed--) {
            truth.change(random.pick(OTHERS));
            truth.announce();
          }
        }
        figures.steps = truth.position;
        console.info(`PROPERTY_SEED=${SEED}: ${JSON.stringify({ ...figures, queries: server.queries })}`);
        expect(figures.kills).toBe(KILLS);
        expect(figures.databasesLost).toBeLessThanOrEqual(MOST_LOST);
      },
    );
  },
);
