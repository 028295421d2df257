import type { BrowserContext, CDPSession, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executablePath, isSkipped, warnIfSkipped } from "../support/installed-chromium.js";
import { startChromium } from "./own-chromium.js";
import type { TabReport } from "./tab-report.js";
import { bundleTabPage, startTabServer, type TabServer } from "./tab-server.js";

warnIfSkipped("the specs of inOneTab in real tabs");

/** For what takes a second or two. A slow machine may be slow. */
const eventually = { timeout: 30_000, interval: 20 };

interface Tab {
  readonly id: string;
  readonly page: Page;
  readonly cdp: CDPSession;
}
type InPage = typeof globalThis & { readonly report: TabReport; readonly unsubscribe: () => void };

describe.skipIf(isSkipped)("inOneTab in the tabs of a Chromium", { timeout: 90_000 }, () => {
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
    server = await startTabServer(script); // a new origin: no lock is left from the test before
    tabs = [];
  });
  afterEach(async () => {
    const pages = tabs.map(({ page }) => page);
    await context.newPage(); // closing all tabs would close the browser
    for (const page of pages) await page.close();
    await server.close();
  });

  const locksIn = ({ page }: Tab) =>
    page.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query();
      return { held: held.length, queued: pending.length };
    });
  const queued = (tab: Tab, count: number) =>
    expect.poll(() => locksIn(tab), eventually).toEqual({ held: 1, queued: count });
  const open = async (): Promise<Tab> => {
    const id = String.fromCharCode(97 + tabs.length);
    const page = await context.newPage();
    const tab = { id, page, cdp: await context.newCDPSession(page) };
    await page.goto(`${server.url}/?tab=${id}`);
    await queued(tab, tabs.length);
    tabs.push(tab);
    return tab;
  };
  const three = async (): Promise<readonly [Tab, Tab, Tab]> => {
    const opened = [await open(), await open(), await open()] as const;
    await polling("a");
    return opened;
  };

  const reportOf = ({ page }: Tab) => page.evaluate(() => (globalThis as InPage).report);
  const polling = (...ids: string[]) => expect.poll(() => server.polling(), eventually).toEqual(ids);
  const setState = ({ cdp }: Tab, state: "frozen" | "active") => cdp.send("Page.setWebLifecycleState", { state });
  const unsubscribe = ({ page }: Tab) => page.evaluate(() => (globalThis as InPage).unsubscribe());
  /** The next number, once the only tab that polls has seen it. */
  const countIn = async (tab: Tab) => {
    await polling(tab.id);
    const number = server.count();
    await expect.poll(async () => (await reportOf(tab)).seen, eventually).toContain(number);
    return number;
  };
  /** No two subscriptions of these tabs overlap. All of them must be awake. */
  const neverTwoAtOnce = async (...alive: Tab[]) => {
    const reports = await Promise.all(alive.map(reportOf));
    const all = reports.flatMap(({ subscriptions }) => subscriptions).toSorted((one, other) => one.from - other.from);
    for (const [i, { from }] of all.entries()) if (i > 0) expect(all[i - 1]?.to ?? Infinity).toBeLessThanOrEqual(from);
  };

  it("subscribes in the first, and passes values to its own subscriber only", async () => {
    const [a, b, c] = await three();
    await countIn(a);
    await countIn(a);
    const seen = await Promise.all([a, b, c].map(async (tab) => (await reportOf(tab)).seen));
    expect(seen).toEqual([[1, 2], [], []]);
    expect(server.polled()).toEqual(["a"]);
  });

  it.for<readonly [string, (leader: Tab) => Promise<unknown>]>([
    ["is closed", ({ page }) => page.close()],
    ["is closed with its unload handlers", ({ page }) => page.close({ runBeforeUnload: true })],
    ["navigates away", ({ page }) => page.goto("about:blank")],
    ["crashes", crash],
  ])("hands over to the next when the leader %s", async ([, end]) => {
    const [a, b, c] = await three();
    await end(a);
    await countIn(b);
    await queued(b, 1);
    await neverTwoAtOnce(b, c);
    expect(server.polled()).toEqual(["a", "b"]);
  });

  it("hands over when the leader unsubscribes, and again, to the last tab", async () => {
    const [a, b, c] = await three();
    await unsubscribe(a);
    await countIn(b);
    await unsubscribe(b);
    await countIn(c);
    await neverTwoAtOnce(a, b, c);
    await unsubscribe(c);
    await expect.poll(() => locksIn(c), eventually).toEqual({ held: 0, queued: 0 });
  });

  it("queues a reloaded leader behind the others", async () => {
    const [a, b, c] = await three();
    await a.page.reload();
    await polling("b");
    await queued(a, 2);
    await unsubscribe(b);
    await polling("c");
    await unsubscribe(c);
    await countIn(a);
    await neverTwoAtOnce(a, b, c);
  });

  it("hands over when the leader is frozen, which queues again when it wakes", async () => {
    const [a, b, c] = await three();
    await setState(a, "frozen");
    await countIn(b);
    await queued(b, 1);
    await setState(a, "active");
    await queued(b, 2);
    await unsubscribe(b);
    await polling("c");
    await setState(c, "frozen");
    await countIn(a);
    await setState(c, "active");
    await neverTwoAtOnce(a, b, c);
    expect(await Promise.all([a, b, c].map(async (tab) => (await reportOf(tab)).seen))).toEqual([[2], [1], []]);
  });

  it("never gives the lock to a frozen tab", async () => {
    const [a, b, c] = await three();
    await setState(b, "frozen");
    await queued(a, 1);
    await a.page.close();
    await countIn(c);
    await setState(b, "active");
    await queued(b, 1);
    const reports = await Promise.all([b, c].map(reportOf));
    expect(reports.flatMap(({ sent }) => sent)).not.toContain("deposing");
    expect(server.polled()).toEqual(["a", "c"]);
  });

  it("hands over on entry into the back/forward cache, and queues on return", async () => {
    const [a, b, c] = await three();
    await a.page.goto(`${server.url}/elsewhere`);
    await countIn(b);
    // Messages between the other tabs must not evict it.
    const asked = async () => (await reportOf(c)).sent.filter((message) => message === "ask").length;
    const before = await asked();
    await expect.poll(asked, eventually).toBeGreaterThan(before + 1);
    await a.page.evaluate(() => history.back());
    await expect.poll(async () => (await reportOf(a)).restored, eventually).toBe(true);
    await queued(b, 2);
    await unsubscribe(b);
    await unsubscribe(c);
    await countIn(a);
    await neverTwoAtOnce(a, b, c);
  });

  it("deposes a leader that hangs, which unsubscribes as soon as it is back", async () => {
    const [a, b, c] = await three();
    // A synchronous request: nothing runs in the page until it is answered, and no event announces it.
    const isBack = a.page.evaluate(() => {
      const request = new XMLHttpRequest();
      request.open("GET", "/hold", false);
      request.send();
      return Date.now();
    });
    await expect.poll(() => server.polling().filter((id) => id !== "a"), eventually).toHaveLength(1);
    const [leader, follower] = server.polling().includes("b") ? [b, c] : [c, b];

    server.release();
    const backAt = await isBack;
    await countIn(leader);
    await queued(leader, 2);
    const [ofA] = (await reportOf(a)).subscriptions;
    expect(ofA?.to).toBeGreaterThanOrEqual(backAt);
    await neverTwoAtOnce(leader, follower);
    expect(await reportOf(follower)).toMatchObject({ subscriptions: [] });
    expect(await reportOf(a)).toMatchObject({ subscriptions: [ofA] });
  });

  it("fails in each tab in turn if every source fails", async () => {
    const [a, b, c] = await three();
    server.refuse();
    const refusal = { message: "refused by the server", errcode: "M_UNKNOWN_TOKEN" };
    for (const tab of [a, b, c])
      await expect.poll(async () => (await reportOf(tab)).failed, eventually).toEqual(refusal);
    expect(server.polled()).toEqual(["a", "b", "c"]);
    await expect.poll(() => locksIn(a), eventually).toEqual({ held: 0, queued: 0 });
    await neverTwoAtOnce(a, b, c);
  });
});

/** Kills the renderer. The command itself is never answered. */
async function crash({ page, cdp }: Tab): Promise<void> {
  const crashed = page.waitForEvent("crash");
  cdp.send("Page.crash").catch(() => undefined);
  await crashed;
}
