import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { startChromium, type OwnChromium } from "../../tabs/own-chromium.js";
import { bundleProofPage } from "../browser/bundle-proof-page.js";
import { executablePath, isSkipped } from "../../support/installed-chromium.js";
import { Oracle } from "../browser/oracle.js";
import { ProofServer } from "../browser/proof-server.js";
import { ALL_USERS, OTHERS, Truth } from "../browser/truth.js";
import { Unrest } from "../browser/unrest.js";
import { ProofTab } from "./proof-tab.js";
import { TabLife } from "./tab-life.js";
import { TakeOvers } from "./take-overs.js";

/** `npm run proof:three-tabs` sets 30 minutes. */
const SECONDS = process.env.PROOF_MINUTES === undefined ? 12 : Number(process.env.PROOF_MINUTES) * 60;
/** For something that takes a second or two, in ms; a slow machine may be slow. */
const PATIENCE = 20_000;
/** The longest time from one change to the next, in ms. */
const PACES = [15, 60, 250] as const;
/** From one quiet moment to the next, in ms. */
const UNREST = [1_500, 5_000] as const;
/** The longest time for which no tab may sync while one is awake, in ms: on a busy machine, take-overs are slow. */
const LONGEST_TAKE_OVER = 10_000;

/** Responses after which the store must stand where the stream does. */
const MAX_RESPONSES = 3;

describe.skipIf(isSkipped)("three tabs, opened and closed, frozen, left, reloaded and crashed", () => {
  let script: string;
  let browser: OwnChromium;
  let server: ProofServer | undefined;
  beforeAll(async () => {
    [script, browser] = await Promise.all([bundleProofPage(), startChromium(executablePath)]);
  }, 120_000);
  afterAll(async () => {
    await browser?.stop();
    await server?.close();
  });

  it(
    `share one sync loop and one store, and none is ever behind (${SECONDS} s)`,
    { timeout: 120_000 + SECONDS * 3_000 },
    async () => {
      const random = new Random(SEED);
      const truth = new Truth();
      const oracle = new Oracle(truth);
      const unrest = new Unrest(truth, random.fork());
      const proof = (server = await ProofServer.start(script, truth, random.fork()));
      const takeOvers = new TakeOvers(proof);
      const life = new TabLife(browser.context, unrest, random.fork(), takeOvers);
      const tabs = ["a", "b", "c"].map((slot) => new ProofTab(slot, proof.url, oracle));
      let quietMoments = 0;
      let marked = 0;

      const fail = (...broken: readonly string[]): never =>
        expect.fail(
          [`PROPERTY_SEED=${SEED}`, ...broken.slice(0, 20), ...tabs.map(({ record }) => record.lastEvents)].join("\n"),
        );
      const check = () => {
        if (oracle.breaches.length > 0) fail(...oracle.breaches);
        if (takeOvers.update() > LONGEST_TAKE_OVER) fail(`no tab has synced for ${LONGEST_TAKE_OVER} ms`);
      };
      const until = async (condition: () => boolean, what: string) => {
        for (const start = performance.now(); !condition(); await sleep(20)) {
          check();
          if (performance.now() - start > PATIENCE) fail(`this does not come about: ${what}`);
        }
      };

      /** One random thing happens: a lookup, and sometimes something to a tab while another one is awake. */
      const happen = async () => {
        for (const tab of tabs) if (tab.wakeAt !== undefined && tab.wakeAt < performance.now()) await life.wake(tab);
        const awake = tabs.filter(({ isAwake }) => isAwake);
        const users = random.some(ALL_USERS, random.between(1, 8));
        void random
          .pick(awake)
          .lookUp(users, random.chance(0.15))
          .catch(() => undefined); // the tab may be lost before it answers
        const closed = tabs.find(({ isOpen }) => !isOpen);
        if (closed !== undefined && random.chance(0.1)) await life.open(closed);
        else if (awake.length > 1 && random.chance(0.12)) {
          const leader = awake.find(({ name }) => name === takeOvers.leader);
          await life.lose(leader !== undefined && random.chance(0.5) ? leader : random.pick(awake));
          // Half of the time the take-over is awaited; otherwise the next thing happens in the middle of it.
          if (random.chance(0.5)) await until(() => takeOvers.update() === 0, "a take-over");
        }
      };

      /** One tab polls and was given everything, all tabs have done what was before that, and all of it has arrived. */
      const hear = async () => {
        await until(() => proof.isIdle, "one tab polls, and was given everything");
        const leader = tabs.find(({ name }) => name === takeOvers.leader) ?? fail(`${takeOvers.leader} is not open`);
        await until(() => leader.record.synced === truth.position, "the leader has caught up");
        const marks = tabs.map(({ name }) => `${++marked} ${name}`);
        for (const [i, tab] of tabs.entries()) await tab.run("announceMark", marks[i] ?? "");
        for (const tab of tabs) for (const mark of marks) await tab.run("markReceived", mark);
      };
      const savedPosition = async () => truth.positionOf((await random.pick(tabs).run("saved", [])).token ?? "");

      /** All tabs are awake, nothing changes, everything is durable and announced, and all of that has arrived: every tab knows everything. */
      const quiet = async () => {
        for (const tab of tabs) if (tab.wakeAt !== undefined) await life.wake(tab);
        for (const tab of tabs) if (!tab.isOpen) await life.open(tab);
        unrest.pause();
        for (const tab of tabs) await tab.run("caughtUp");
        await hear();
        // What a tab was given before it lost the lead may have moved the token in the meantime: then the stream of the
        // only one that polls is ahead of the store, which shows with its next response.
        for (let i = 0; i < MAX_RESPONSES && (await savedPosition()) !== truth.position; i++) {
          truth.change(random.pick(OTHERS));
          await hear();
        }
        quietMoments++;
        const sharing = new Set(truth.sharing());
        const isShown = ({ record }: ProofTab) =>
          (record.watched ?? []).every(([user, freshness]) => !sharing.has(user) || freshness === "current");
        for (const tab of tabs) {
          // A watcher may wait before it queries a user again who was announced without a change; the lookup does not.
          const lists = await tab.lookUp(ALL_USERS);
          await until(() => isShown(tab), `the watcher of ${tab.name} shows what a lookup has fetched`);
          oracle.quiet(lists, tab.record);
        }
        const position = await savedPosition();
        if (position !== truth.position) fail(`quiet: s${position} is saved, not s${truth.position}`);
        check();
        // None at this moment is fine: the leader may be between two polls.
        if (proof.polling.length > 1) fail(`quiet: these tabs sync: ${proof.polling.join(" ")}`);
      };

      for (const tab of tabs) await tab.open(browser.context);
      for (const tab of tabs) await tab.connect();
      for (const tab of tabs) await tab.run("caughtUp");
      for (const user of OTHERS) truth.join(user); // an initial sync announces no users
      const end = performance.now() + SECONDS * 1_000;
      while (performance.now() < end) {
        life.pace = random.pick(PACES);
        unrest.resume(life.pace);
        const pause = Math.min(end, performance.now() + random.between(...UNREST));
        while (performance.now() < pause) {
          await happen();
          check();
          await sleep(random.between(5, 60));
        }
        await quiet();
      }

      const records = tabs.flatMap((tab) => [...tab.records]);
      const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
      const problems = new Map<string, number>();
      for (const record of records)
        for (const [problem, count] of record.problems) problems.set(problem, (problems.get(problem) ?? 0) + count);
      const figures = {
        changes: unrest.changes,
        announcements: truth.position,
        lookups: sum(records.map(({ lookups }) => lookups)),
        current: sum(records.map(({ current }) => current)),
        queries: proof.queries,
        quietMoments,
        tabs: life.counts,
        problems: Object.fromEntries(problems),
      };
      console.info(`PROPERTY_SEED=${SEED}: ${JSON.stringify(figures)}`);
      console.info(`${takeOvers.count} take-overs: ${takeOvers.summary}`);
      expect(takeOvers.count).toBeGreaterThan(0);
    },
  );
});
