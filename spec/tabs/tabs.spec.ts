import { existsSync } from "node:fs";
import type { BrowserContext, CDPSession, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startChromium } from "./own-chromium.js";
import type { TabReport } from "./tab-report.js";
import { bundleTabPage, startTabServer, type TabServer } from "./tab-server.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);
if (!hasChromium && process.env.CI === undefined)
  console.warn(
    `No Chromium at ${executablePath} (set CHROMIUM to its path): the specs of shareAcrossTabs in real tabs are SKIPPED.`,
  );

/** For what takes a second or two; a slow machine may be slow. */
const PATIENCE = 20_000;
const eventually = { timeout: PATIENCE, interval: 20 };

interface Tab {
  readonly id: string;
  readonly page: Page;
  readonly cdp: CDPSession;
}

describe.skipIf(!hasChromium && process.env.CI === undefined)(
  "shareAcrossTabs in the tabs of a Chromium",
  { timeout: 90_000 },
  () => {
    let script: string;
    let browser: { readonly context: BrowserContext; stop(): Promise<void> };
    let context: BrowserContext;
    let server: TabServer;
    let tabs: Tab[];

    beforeAll(async () => {
      [script, browser] = await Promise.all([bundleTabPage(), startChromium(executablePath)]);
      ({ context } = browser);
    }, 120_000);
    afterAll(() => browser?.stop());
    beforeEach(async () => {
      server = await startTabServer(script); // of an origin of its own: nothing is left of the spec before
      tabs = [];
    });
    afterEach(async () => {
      // Closing all tabs would close the browser.
      const pages = tabs.map(({ page }) => page);
      await context.newPage();
      for (const page of pages) await page.close();
      await server.close();
    });

    /** Opens a tab, and waits until it has seen the last number. */
    const open = async (): Promise<Tab> => {
      const id = String.fromCharCode(97 + tabs.length);
      const page = await context.newPage();
      const tab = { id, page, cdp: await context.newCDPSession(page) };
      await page.goto(`${server.url}/?tab=${id}`);
      tabs.push(tab);
      return tab;
    };
    const reportOf = ({ page }: Tab) => page.evaluate(() => (globalThis as unknown as { report: TabReport }).report);
    const seenBy = async (tab: Tab) => (await reportOf(tab)).seen;
    const polls = (...ids: string[]) => expect.poll(() => server.polling(), eventually).toEqual(ids);
    const countAndSee = async (...seeing: Tab[]) => {
      const number = server.count();
      for (const tab of seeing) await expect.poll(() => seenBy(tab), eventually).toContain(number);
    };
    /** From the first that the tab saw to the last that was counted: every number, in order. One may come twice. */
    const nothingLost = async (tab: Tab, upTo: number) => {
      const seen = await seenBy(tab);
      const first = seen[0] ?? 0;
      expect([...new Set(seen)], `tab ${tab.id}`).toEqual(
        Array.from({ length: upTo - first + 1 }, (_, i) => first + i),
      );
    };
    /** How long two tabs had a poll open at once, in ms. */
    const overlap = () => {
      const now = performance.now();
      let longest = 0;
      for (const one of server.polls)
        for (const other of server.polls)
          if (one.tab < other.tab)
            longest = Math.max(longest, Math.min(one.to ?? now, other.to ?? now) - Math.max(one.from, other.from));
      return longest;
    };
    /** Until another tab than this polls, in ms. */
    const takenOver = async (from: number, leader: Tab) => {
      const first = () => server.polls.find((poll) => poll.tab !== leader.id && poll.from > from);
      await expect.poll(first, eventually).toBeDefined();
      return (first()?.from ?? 0) - from;
    };
    const three = async (): Promise<readonly [Tab, Tab, Tab]> => {
      const [a, b, c] = [await open(), await open(), await open()];
      await polls("a");
      await countAndSee(a, b, c);
      return [a, b, c] as const;
    };

    it("runs the source in one of them and gives its numbers to all; one that joins gets the last at once", async () => {
      const [a, b, c] = await three();
      await countAndSee(a, b, c);
      const d = await open();
      await expect.poll(() => seenBy(d), eventually).toEqual([2]);
      await countAndSee(a, b, c, d);
      for (const tab of [a, b, c, d]) await nothingLost(tab, 3);
      expect(new Set(server.polls.map(({ tab }) => tab))).toEqual(new Set(["a"]));
    });

    it.for([
      ["is closed", ({ page }: Tab): Promise<unknown> => page.close()],
      ["navigates away", ({ page }: Tab): Promise<unknown> => page.goto("about:blank")],
      [
        "unsubscribes",
        ({ page }: Tab): Promise<unknown> =>
          page.evaluate(() => (globalThis as unknown as { unsubscribe: () => void }).unsubscribe()),
      ],
      ["is frozen", ({ cdp }: Tab): Promise<unknown> => cdp.send("Page.setWebLifecycleState", { state: "frozen" })],
    ] as const)("hands over when the leader %s, in the middle of things", async ([what, go]) => {
      const [a, b, c] = await three();
      const gone = performance.now();
      server.count();
      await go(a);
      server.count();
      const after = await takenOver(gone, a);
      console.info(`${what}: taken over after ${Math.round(after)} ms`);
      expect(after).toBeLessThan(5_000);
      await countAndSee(b, c);
      await nothingLost(b, 4);
      await nothingLost(c, 4);
      expect(server.polling()).toHaveLength(1);
      expect(server.polling()).not.toContain("a");
      expect(overlap()).toBeLessThan(1_000);
    });

    it("hands over when the leader crashes", async () => {
      const [a, b, c] = await three();
      await countAndSee(a, b, c); // what it says in its last moment is lost with it: that is for the tracker's `since` to find
      const crashed = a.page.waitForEvent("crash");
      const gone = performance.now();
      a.cdp.send("Page.crash").catch(() => undefined);
      await crashed;
      const after = await takenOver(gone, a);
      console.info(`crashes: taken over after ${Math.round(after)} ms`);
      expect(after).toBeLessThan(5_000);
      await countAndSee(b, c);
      await nothingLost(b, 3);
      await nothingLost(c, 3);
      expect(server.polling()).toHaveLength(1);
      expect(overlap()).toBeLessThan(1_000);
    });

    it("hands over again and again, to the last tab", async () => {
      const [a, b, c] = await three();
      await a.page.close();
      await countAndSee(b, c);
      const next = server.polling()[0] === "b" ? b : c;
      await next.page.close();
      const last = next === b ? c : b;
      await countAndSee(last);
      await nothingLost(last, 3);
      await polls(last.id);
    });

    it("holds what a frozen tab is sent, and gives it on waking, in order; a frozen leader follows then", async () => {
      const [a, b, c] = await three();
      for (const { cdp } of [a, b]) await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
      for (let n = 0; n < 5; n++) await countAndSee(c);
      await polls("c");
      for (const { cdp } of [a, b]) await cdp.send("Page.setWebLifecycleState", { state: "active" });
      for (const tab of [a, b]) {
        await expect.poll(() => seenBy(tab), eventually).toContain(6);
        expect(await reportOf(tab)).toMatchObject({ whileFrozen: 0 });
        await nothingLost(tab, 6);
        // The last once more: the leader was asked.
        await expect.poll(() => seenBy(tab), eventually).toEqual([1, 2, 3, 4, 5, 6, 6]);
      }
      await countAndSee(a, b, c);
      await polls("c");
      await c.page.close();
      await countAndSee(a, b); // both are candidates again
      expect(overlap()).toBeLessThan(1_000);
    });

    it("never gives the lock to a frozen tab", async () => {
      const [a, b, c] = await three();
      await b.cdp.send("Page.setWebLifecycleState", { state: "frozen" });
      const d = await open();
      await c.page.close();
      await a.page.close();
      await polls("d");
      await countAndSee(d);
      expect(await reportOf(d)).toMatchObject({ deposed: 0 }); // nor was it taken from one
    });

    it("deposes a leader that stops without a word, who leaves it at that when it is back", async () => {
      const [a, b, c] = await three();
      // Nothing of it runs until it has its answer, and no event says so.
      const stopped = performance.now();
      const isBack = a.page.evaluate(() => {
        const request = new XMLHttpRequest();
        request.open("GET", "/hold", false);
        request.send();
      });
      const after = await takenOver(stopped, a);
      console.info(`stops without a word: taken over after ${Math.round(after)} ms`);
      await countAndSee(b, c);
      expect(after).toBeGreaterThan(1_000);
      expect(after).toBeLessThan(10_000);
      const leads = server.polling().filter((id) => id !== "a");
      expect(leads).toHaveLength(1);

      server.release();
      await isBack;
      await polls(...leads);
      await countAndSee(a, b, c);
      for (const tab of [a, b, c]) await nothingLost(tab, 3);
      await polls(...leads);
    });

    it("fails in every tab when the source does, and is started by none", async () => {
      const [a, b, c] = await three();
      server.refuse();
      for (const tab of [a, b, c]) {
        await expect
          .poll(async () => (await reportOf(tab)).failed, eventually)
          .toEqual({
            name: "Refusal",
            message: "refused by the server",
            errcode: "M_UNKNOWN_TOKEN",
            status: 401,
            request: tab === a,
          });
      }
      // Everybody has ended, so nobody can begin; whoever got the lock before the message has tried once.
      expect(server.polling()).toEqual([]);
      expect(server.polls.filter(({ tab }) => tab !== "a").length).toBeLessThanOrEqual(2);
      const locks = await a.page.evaluate(() => navigator.locks.query());
      expect(locks).toEqual({ held: [], pending: [] });
    });

    it("comes back from the back/forward cache as one that follows and misses nothing from then on", async () => {
      const [a, b] = await three();
      await a.page.goto(`${server.url}/elsewhere`);
      await expect.poll(() => server.polling().length, eventually).toBe(1);
      await a.page.evaluate(() => history.back());
      await expect.poll(async () => (await reportOf(a)).restored, eventually).toBe(true);
      await expect.poll(() => seenBy(a), eventually).toContain(1);
      await countAndSee(a, b);
      await nothingLost(a, 2);
      expect(server.polling()).toHaveLength(1);
      expect(server.polling()).not.toContain("a");
    });
  },
);
