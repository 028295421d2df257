import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executablePath, isSkipped, warnIfSkipped } from "../support/installed-chromium.js";
import { startChromium } from "../tabs/own-chromium.js";
import type { AccountPage } from "./account-page.js";
import { AccountServer, BOB, bundlePage, ROOM } from "./account-server.js";

warnIfSkipped("log-outs in real tabs");

const eventually = { timeout: 30_000, interval: 20 };
const ALICE = "@alice:example.org";
type InPage = typeof globalThis & AccountPage;

describe.skipIf(isSkipped)("a log-out in the tabs of a Chromium", { timeout: 90_000 }, () => {
  let script: string;
  let browser: { readonly context: BrowserContext; stop(): Promise<void> };
  let context: BrowserContext;
  let homeserver: AccountServer;
  let tabs: Page[];

  beforeAll(async () => {
    const page = fileURLToPath(new URL("account-page.ts", import.meta.url));
    [script, browser] = await Promise.all([bundlePage(page), startChromium(executablePath)]);
    ({ context } = browser);
  }, 120_000);
  afterAll(() => browser?.stop());
  beforeEach(async () => {
    homeserver = new AccountServer(script);
    await homeserver.server.start(); // a new origin: nothing is left from the test before
    tabs = [];
  });
  afterEach(async () => {
    await context.newPage(); // closing all tabs would close the browser
    for (const tab of tabs) await tab.close();
    await homeserver.server.stop();
  });

  const open = async (userId = ALICE, token = `${userId}/1`): Promise<Page> => {
    const tab = await context.newPage();
    tabs.push(tab);
    await tab.goto(`${homeserver.server.url}/#${encodeURIComponent(`${userId} ${token}`)}`);
    await tab.evaluate(() => (globalThis as InPage).caughtUp());
    return tab;
  };
  const joined = (tab: Page) => tab.evaluate((room) => (globalThis as InPage).joined(room), ROOM);
  const logOut = (tab: Page) => tab.evaluate(() => (globalThis as InPage).logOut());
  const happened = (tab: Page) => tab.evaluate(() => (globalThis as InPage).happened);
  const records = (tab: Page) => tab.evaluate(() => (globalThis as InPage).readAll());
  const setState = async (tab: Page, state: "frozen" | "active") => {
    const session = await context.newCDPSession(tab);
    await session.send("Page.setWebLifecycleState", { state });
  };

  it.each([0, 1])("by tab %d of two ends the other one, and the next account starts anew", async (by) => {
    const two = [await open(), await open()] as const;
    for (const tab of two) expect(await joined(tab)).toEqual([ALICE, BOB]);
    const [one, other] = by === 0 ? two : [two[1], two[0]];
    await expect.poll(() => homeserver.polls.length, eventually).toBe(1);
    await logOut(one);
    await expect.poll(() => happened(other), eventually).toEqual(["logged out"]);
    expect(await happened(one)).toEqual(["logged out"]);
    await expect.poll(() => homeserver.polls.length, eventually).toBe(0);
    const { length } = homeserver.requests;
    expect(await one.evaluate(() => (globalThis as InPage).logOutAtServer())).toBe(200);
    expect(await records(other)).toEqual([]);
    expect(homeserver.requests.length).toBe(length + 1);

    const device = await open(ALICE, `${ALICE}/2`);
    const carol = await open("@carol:example.org");
    expect(await joined(device)).toEqual([ALICE, BOB]);
    expect(await joined(carol)).toEqual(["@carol:example.org", BOB]);
    for (const tab of [device, carol]) expect(await happened(tab)).toEqual([]);
  });

  it("reaches a tab that comes back from the back/forward cache, which writes nothing", async () => {
    const [first, away] = [await open(), await open()];
    for (const tab of [first, away]) await joined(tab);
    await away.goto(`${homeserver.server.url}/elsewhere`);
    await logOut(first);
    await away.evaluate(() => history.back());
    await expect.poll(() => happened(away), eventually).toContain("restored");
    await expect.poll(() => happened(away), eventually).toContain("logged out");
    expect(await records(first)).toEqual([]);
    expect(homeserver.polls).toEqual([]);
  });

  it("reaches a tab that was frozen when it wakes, which writes nothing", async () => {
    const [first, frozen] = [await open(), await open()];
    for (const tab of [first, frozen]) await joined(tab);
    await first.bringToFront();
    await setState(frozen, "frozen");
    await logOut(first);
    expect(await records(first)).toEqual([]);
    await setState(frozen, "active");
    await expect.poll(() => happened(frozen), eventually).toContain("logged out");
    expect(await records(first)).toEqual([]);
    expect(homeserver.polls).toEqual([]);
  });
});
