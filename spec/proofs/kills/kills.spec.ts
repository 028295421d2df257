import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { startChromium, type OwnChromium } from "../../tabs/own-chromium.js";
import { bundleProofPage } from "../browser/bundle-proof-page.js";
import { executablePath, isSkipped } from "../browser/chromium-for-proofs.js";
import { openDrivenPage, type DrivenPage } from "../browser/driven-page.js";
import { Oracle } from "../browser/oracle.js";
import { ProofServer } from "../browser/proof-server.js";
import { TabRecord } from "../browser/tab-record.js";
import { ALL_USERS, OTHERS, OWN_USER, Truth } from "../browser/truth.js";
import { Unrest } from "../browser/unrest.js";
import { KillFigures } from "./kill-figures.js";

/** `npm run proof:kills` sets 200. */
const KILLS = Number(process.env.PROOF_KILLS ?? 5);
/** For something that takes a tenth of a second, in ms; a slow machine may be slow. */
const eventually = { timeout: 20_000, interval: 10 };
/** The longest time from one change to the next, in ms: from steps as fast as they can be applied to lists that are mostly current. */
const PACES = [6, 30, 150] as const;
/** How long a life lasts after its first changes, in ms. */
const LIFE = [0, 1_200] as const;

interface Life {
  readonly page: DrivenPage;
  readonly tab: TabRecord;
}

/**
 * What one browser profile goes through until all is done, or until the browser itself loses the database: killed in the
 * middle of a write, Chromium may append to a log that ends in half a record, and finds it corrupted at the start after
 * the next. Then it deletes the database, which no application can prevent.
 */
async function killAgainAndAgain(script: string, random: Random, kills: number, figures: KillFigures): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "kills-"));
  const truth = new Truth();
  const oracle = new Oracle(truth);
  const unrest = new Unrest(truth, random.fork());
  const server = await ProofServer.start(script, truth, random.fork());
  let browser: OwnChromium | undefined;
  let durable = 0;
  let killed: TabRecord | undefined;

  const check = (tab: TabRecord) => {
    if (oracle.breaches.length === 0) return;
    const events = [killed, tab].map((one) => one?.lastEvents ?? "");
    expect.fail(
      [`${figures.kills} kills, PROPERTY_SEED=${SEED}`, ...oracle.breaches.slice(0, 20), ...events].join("\n"),
    );
  };
  const start = async (number: number): Promise<Life | "lost"> => {
    const tab = new TabRecord(`life${number}`);
    browser = await startChromium(executablePath, profile);
    const address = `${server.url}/?tab=${tab.name}&user=${encodeURIComponent(OWN_USER)}`;
    const page = await openDrivenPage(browser.context, address, (event) => oracle.receive(event, tab));
    const saved = await page.run("saved", ALL_USERS);
    if (saved.token === undefined && durable > 0 && (await hasLostDatabase(browser))) return "lost";
    figures.restarted(saved);
    oracle.saved(saved, durable, tab);
    check(tab);
    await page.run("connect");
    return { page, tab };
  };
  const settle = async ({ page, tab }: Life) => {
    await expect.poll(() => tab.synced, eventually).toBe(truth.position);
    const result = tab.result(0);
    await page.run("lookUp", 0, ALL_USERS, false);
    oracle.quiet(await result, tab);
    const saved = await page.run("saved", ALL_USERS);
    oracle.saved(saved, truth.position, tab);
    check(tab);
  };
  const live = async (life: Life, isFirst: boolean) => {
    if (isFirst || random.chance(0.5)) await settle(life);
    if (isFirst) for (const user of OTHERS) truth.join(user); // an initial sync announces no users
    unrest.resume(random.pick(PACES));
    await life.page.run("work", figures.kills, ALL_USERS);
    await new Promise((resolve) => setTimeout(resolve, random.between(...LIFE)));
  };
  const kill = async ({ tab }: Life) => {
    await browser?.kill();
    unrest.pause();
    figures.killed(tab);
    check(tab);
    durable = Math.max(durable, tab.synced);
    killed = tab;
    unrest.change(random.between(0, 5));
  };

  try {
    for (let number = 0; ; number++) {
      const life = await start(number);
      if (life === "lost") {
        figures.databasesLost++;
        return;
      }
      if (figures.kills === kills) {
        await settle(life);
        return;
      }
      await live(life, number === 0);
      await kill(life);
    }
  } finally {
    figures.changes += unrest.changes;
    figures.queries += server.queries;
    unrest.pause();
    await browser?.kill();
    await server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The browser's log may arrive after the page's answer. */
async function hasLostDatabase(browser: OwnChromium): Promise<boolean> {
  for (let i = 0; i < 20 && !browser.hasLostDatabase; i++) await new Promise((resolve) => setTimeout(resolve, 100));
  return browser.hasLostDatabase;
}

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
      while (figures.kills < KILLS) await killAgainAndAgain(script, random, KILLS, figures);
      console.info(`PROPERTY_SEED=${SEED}: ${JSON.stringify(figures)}`);
      // Now and then a browser loses its database; if it happened often, little would be proved.
      expect(figures.databasesLost).toBeLessThanOrEqual(Math.ceil(KILLS / 20));
    },
  );
});
