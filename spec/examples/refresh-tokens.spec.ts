import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundlePage } from "../browser/account-server.js";
import { executablePath, isSkipped, warnIfSkipped } from "../support/installed-chromium.js";
import { startChromium } from "../tabs/own-chromium.js";
import type { RefreshPage } from "./refresh-page.js";
import { RefreshServer } from "./refresh-server.js";

warnIfSkipped("refreshes in real tabs");

const eventually = { timeout: 30_000, interval: 20 };
type InPage = typeof globalThis & RefreshPage;

describe.skipIf(isSkipped)("an access token that three tabs share", { timeout: 90_000 }, () => {
  let script: string;
  let browser: { readonly context: BrowserContext; stop(): Promise<void> };
  let context: BrowserContext;
  let homeserver: RefreshServer;
  let tabs: Page[];

  beforeAll(async () => {
    const page = fileURLToPath(new URL("refresh-page.ts", import.meta.url));
    [script, browser] = await Promise.all([bundlePage(page), startChromium(executablePath)]);
    ({ context } = browser);
  }, 120_000);
  afterAll(() => browser?.stop());
  beforeEach(async () => {
    homeserver = new RefreshServer(script);
    await homeserver.server.start(); // a new origin: nothing is left from the test before
    tabs = [];
    for (let i = 0; i < 3; i++) {
      const tab = await context.newPage();
      tabs.push(tab);
      await tab.goto(homeserver.server.url);
      if (i === 0) await tab.evaluate(() => (globalThis as InPage).logIn());
      await tab.evaluate(() => (globalThis as InPage).connect());
    }
    await expect.poll(() => homeserver.polling, eventually).toBe(1);
  });
  afterEach(async () => {
    await context.newPage(); // closing all tabs would close the browser
    for (const tab of tabs) await tab.close();
    await homeserver.server.stop();
  });

  const whoAmI = (tab: Page): Promise<string> => tab.evaluate(() => (globalThis as InPage).whoAmI());
  const happened = (tab: Page) => tab.evaluate(() => (globalThis as InPage).happened);
  const expire = () => {
    homeserver.expire();
    homeserver.endPolls();
  };

  it("is refreshed once if it is refused in all of them at once", async () => {
    homeserver.together = 4; // three requests, and the poll
    expire();
    expect(await Promise.all(tabs.map(whoAmI))).toEqual(Array(3).fill("access-2"));
    expect(homeserver.refreshes).toEqual(["refresh-1"]);
    await expect.poll(() => homeserver.polling, eventually).toBe(1);
    homeserver.together = 1;
    expire();
    expect(await Promise.all(tabs.map(whoAmI))).toEqual(Array(3).fill("access-3"));
    expect(homeserver.refreshes).toEqual(["refresh-1", "refresh-2"]);
    expect(await Promise.all(tabs.map(happened))).toEqual([[], [], []]);
  });

  it("is refreshed by the next tab if one is closed before it has the answer", async () => {
    const held = new Promise<void>((resolve) => {
      homeserver.onRefresh = () => resolve();
    });
    homeserver.expire();
    const [killed, ...others] = tabs as [Page, Page, Page];
    void killed.evaluate(() => (globalThis as InPage).whoAmI()).catch(() => undefined);
    await held;
    const answers = Promise.all(others.map(whoAmI));
    homeserver.onRefresh = undefined;
    await killed.close();
    expect(await answers).toEqual(["access-2", "access-2"]);
    expect(homeserver.refreshes).toEqual(["refresh-1", "refresh-1"]);
    await expect.poll(() => homeserver.polling, eventually).toBe(1);
  });

  it("is refreshed with the old token if the new ones were lost on their way", async () => {
    homeserver.onRefresh = (request, answer) => {
      homeserver.onRefresh = undefined;
      request.response.destroy();
      answer();
    };
    expire();
    await expect.poll(() => homeserver.polling, eventually).toBe(1);
    expect(await Promise.all(tabs.map(whoAmI))).toEqual(Array(3).fill("access-3"));
    expect(homeserver.refreshes).toEqual(["refresh-1", "refresh-1"]);
  });

  it("ends the session in all of them if the refresh is refused", async () => {
    homeserver.onRefresh = (request) => request.answer(403, { errcode: "M_FORBIDDEN" });
    expire();
    const answers = await Promise.all(tabs.map(whoAmI));
    for (const answer of answers) expect(answer).toContain("M_UNKNOWN_TOKEN");
    for (const tab of tabs) await expect.poll(() => happened(tab), eventually).toEqual(["sync-ended"]);
    expect(homeserver.refreshes).toEqual(["refresh-1"]);
    expect(homeserver.polling).toBe(0);
  });

  it("is refreshed later if the homeserver fails", async () => {
    homeserver.onRefresh = (request) => {
      homeserver.onRefresh = undefined;
      request.answer(502, "<html>Bad gateway</html>");
    };
    expire();
    await expect.poll(() => homeserver.polling, eventually).toBe(1);
    expect(await Promise.all(tabs.map(whoAmI))).toEqual(Array(3).fill("access-2"));
    expect(homeserver.refreshes).toEqual(["refresh-1", "refresh-1"]);
  });
});
