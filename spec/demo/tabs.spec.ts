import { existsSync } from "node:fs";
import type { CDPSession, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";
import { startChromium, type OwnChromium } from "../tabs/own-chromium.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);
if (!hasChromium && process.env.CI === undefined)
  console.warn(
    `No Chromium at ${executablePath} (set CHROMIUM to its path): the specs of the demo in several tabs are SKIPPED.`,
  );

/** The first run builds the package and the page. */
const BUILD_TIME = 180_000;
/** For what takes a query or two; a slow machine may be slow. */
const eventually = { timeout: 20_000, interval: 50 };

const BOB = "@bob:home.example";
const EVERYONE = [BOB, "@carol:home.example", "@dave:elsewhere.example", "@alice:home.example"];

interface Tab {
  readonly page: Page;
  readonly cdp: CDPSession;
  readonly requests: string[];
}

describe.skipIf(!hasChromium && process.env.CI === undefined)("the demo in several tabs", { timeout: 90_000 }, () => {
  let demo: Awaited<ReturnType<typeof startDemo>>;
  let browser: OwnChromium;
  let tabs: Tab[];
  let complaints: string[];

  beforeAll(async () => {
    browser = await startChromium(executablePath);
  }, BUILD_TIME);
  afterAll(() => browser?.stop());
  beforeEach(async () => {
    demo = await startDemo({ latency: 150 }); // of an origin of its own: nothing is left of the spec before
    [tabs, complaints] = [[], []];
  }, BUILD_TIME);
  afterEach(async () => {
    const pages = tabs.map(({ page }) => page);
    await browser.context.newPage(); // closing all tabs would close the browser
    for (const page of pages) await page.close();
    await demo.stop();
  });

  /** Watches a tab from its first moment. */
  const watch = async (page: Page): Promise<Tab> => {
    const tab: Tab = { page, cdp: await browser.context.newCDPSession(page), requests: [] };
    page.on("request", (request) => tab.requests.push(request.url()));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    tabs.push(tab);
    return tab;
  };
  const open = async (prepare?: (page: Page) => Promise<unknown>): Promise<Tab> => {
    const tab = await watch(await browser.context.newPage());
    await prepare?.(tab.page);
    await tab.page.goto(demo.url);
    await sees(tab, `[data-user="${BOB}"][data-standing="current"]`);
    return tab;
  };

  // Hidden tabs draw no frames, for which Playwright's own waiting waits.
  const sees = ({ page }: Tab, selector: string) =>
    expect
      .poll(() => page.evaluate((wanted) => document.querySelector(wanted) !== null, selector), {
        ...eventually,
        message: selector,
      })
      .toBe(true);
  const role = ({ page }: Tab) => page.evaluate(() => document.querySelector<HTMLElement>("#tabs-who")?.dataset.syncs);
  const roles = (...expected: string[]) => expect.poll(() => Promise.all(tabs.map(role)), eventually).toEqual(expected);
  const counts = (tab: Tab, count: number) => sees(tab, `#tabs-who[data-open="${count}"]`);
  const happened = ({ page }: Tab) =>
    page.evaluate(() => document.querySelector("#tabs-happened:not([hidden])")?.textContent);
  const told = ({ page }: Tab) =>
    page.evaluate(() => [...document.querySelectorAll("#transcript li")].map((item) => item.textContent));
  const devicesOf = ({ page }: Tab, user: string) =>
    page.evaluate(
      (wanted) =>
        [...document.querySelectorAll(`[data-user="${wanted}"] [data-device]`)].map((item) =>
          item.getAttribute("data-device"),
        ),
      user,
    );
  const lists = (tab: Tab) => Promise.all(EVERYONE.map((user) => devicesOf(tab, user)));
  const press = async ({ page }: Tab, experiment: string) => {
    await page.bringToFront();
    await page.locator(`[data-experiment="${experiment}"]`).click();
  };
  const asked = ({ requests }: Tab, path: string) => requests.filter((url) => url.includes(path)).length;

  /** Bob signs in at the push of a button in the first of these, and all of them show the same, longer, list as current. */
  const changeAndSee = async (...seeing: [Tab, ...Tab[]]) => {
    const before = await devicesOf(seeing[0], BOB);
    await press(seeing[0], "add-device");
    for (const tab of seeing) {
      await expect.poll(() => devicesOf(tab, BOB), eventually).toHaveLength(before.length + 1);
      await sees(tab, `[data-user="${BOB}"][data-standing="current"]`);
    }
    const [shown, ...others] = await Promise.all(seeing.map(lists));
    for (const other of others) expect(other).toEqual(shown);
  };
  const three = async (): Promise<readonly [Tab, Tab, Tab]> => {
    const three = [await open(), await open(), await open()] as const;
    await roles("this tab", "another tab", "another tab");
    return three;
  };

  it("says in each which one syncs and how many there are; only that one has a sync loop, and all show the same lists", async () => {
    const a = await open();
    await roles("this tab");
    await counts(a, 1);
    const b = await open();
    await roles("this tab", "another tab");
    for (const tab of [a, b]) await counts(tab, 2);
    expect(await a.page.title()).toMatch(/^syncs/);
    expect(await b.page.title()).toMatch(/^listens/);
    await changeAndSee(a, b);
    await changeAndSee(b, a);
    await sees(a, '[data-shift="this tab"]');
    await sees(b, '[data-shift="another tab"]');
    expect(await told(a)).toContain("The server announces: bob changed.");
    expect(await told(b)).toContain("The tab that syncs passes on: bob changed.");

    const c = await open();
    for (const tab of [a, b, c]) await counts(tab, 3);
    await changeAndSee(c, a, b);
    await c.page.close(); // one that only listened: nobody has to tell
    for (const tab of [a, b]) await counts(tab, 2);
    expect(await happened(a)).toBeUndefined();
    expect([b, c].map((tab) => asked(tab, "/sync"))).toEqual([0, 0]);
    expect(complaints).toEqual([]);
  });

  it("opens one more tab of the session by its button", async () => {
    const a = await open();
    await a.page.bringToFront();
    const opened = browser.context.waitForEvent("page");
    await a.page.locator("#open-tab").click();
    const b = await watch(await opened);
    await sees(b, `[data-user="${BOB}"][data-standing="current"]`);
    await roles("this tab", "another tab");
    await changeAndSee(b, a);
    expect(complaints).toEqual([]);
  });

  it("lets a tab that only listens do what the one that syncs can do", async () => {
    const [a, b] = [await open(), await open()];
    await roles("this tab", "another tab");
    await press(b, "look-up");
    await expect.poll(() => b.page.locator("[data-hit]").count(), eventually).toBe(8); // four of them found as the page opened
    expect(asked(b, "/keys/query")).toBe(0);
    await press(b, "force");
    await sees(b, '[data-query="1"][data-verdict="current"]');
    await press(b, "superseded");
    await sees(b, `[data-bar="${BOB}"][data-superseded][data-verdict="superseded"]`);
    await press(b, "leave");
    for (const tab of [a, b]) await sees(tab, '[data-user="@carol:home.example"][data-standing="untracked"]');
    await press(b, "leave");
    await press(b, "server");
    for (const tab of [a, b]) await sees(tab, '[data-user="@dave:elsewhere.example"][data-standing="unreachable"]');
    await press(b, "server");
    for (const tab of [a, b])
      for (const user of EVERYONE) await sees(tab, `[data-user="${user}"][data-standing="current"]`);
    expect(await lists(b)).toEqual(await lists(a));
    expect(asked(b, "/sync")).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.for([
    [
      "is closed",
      ({ page }: Tab): Promise<unknown> => page.close(),
      /^The tab that synced was closed or reloaded; this one took over after \d+ ms\.$/,
    ],
    [
      "turns to another homeserver",
      turn,
      /^The tab that synced turned to another homeserver; this one took over after \d+ ms\.$/,
    ],
    [
      "is frozen",
      ({ cdp }: Tab): Promise<unknown> => cdp.send("Page.setWebLifecycleState", { state: "frozen" }),
      /^The tab that synced was frozen by the browser; this one took over after \d+ ms\.$/,
    ],
    ["crashes", crash, /^The tab that synced fell silent \(it crashed, or hangs\); this one took over\.$/],
  ] as const)(
    "tells what happened when the tab that syncs %s: another takes over, and all go on seeing changes",
    async ([, go, says]) => {
      const [a, b, c] = await three();
      await changeAndSee(b, a, c);
      tabs = [b, c];
      await go(a);
      await expect
        .poll(async () => (await Promise.all(tabs.map(role))).toSorted(), eventually)
        .toEqual(["another tab", "this tab"]);
      const [next, other] = (await role(b)) === "this tab" ? [b, c] : [c, b];
      await expect.poll(() => happened(next), eventually).toMatch(says);
      await expect
        .poll(() => happened(other), eventually)
        .toBe((await happened(next))?.replace("this one", "another one"));
      for (const tab of tabs) {
        await counts(tab, 2);
        expect(await told(tab)).toContain(await happened(tab));
      }
      expect(asked(other, "/sync")).toBe(0);
      await changeAndSee(other, next);

      await next.page.close();
      tabs = [other];
      await roles("this tab");
      await changeAndSee(other);
      expect(complaints).toEqual([]);
      if (!a.page.isClosed()) await a.page.close();
    },
  );

  it("listens in a tab that wakes from having been frozen, with all that it missed", async () => {
    const [a, b] = [await open(), await open()];
    await roles("this tab", "another tab");
    await a.cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await counts(b, 1);
    await changeAndSee(b);
    await changeAndSee(b);
    await a.cdp.send("Page.setWebLifecycleState", { state: "active" });
    await roles("another tab", "this tab");
    for (const tab of [a, b]) await counts(tab, 2);
    await expect.poll(() => lists(a), eventually).toEqual(await lists(b));
    expect(await told(a)).toContain("This tab no longer syncs.");
    await changeAndSee(a, b);
    expect(complaints).toEqual([]);
  });

  it("says once where the browser has no Web Locks, and syncs in each tab", async () => {
    const withoutLocks = (page: Page) => page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "locks"));
    const [a, b] = [await open(withoutLocks), await open(withoutLocks)];
    await roles("each tab", "each tab");
    await changeAndSee(b, a);
    for (const tab of [a, b]) {
      const problems = await tab.page.evaluate(() =>
        [...document.querySelectorAll("[data-problem]")].map((item) => item.textContent),
      );
      expect(problems).toEqual([expect.stringContaining("there are no Web Locks here")]);
      expect(asked(tab, "/sync")).toBeGreaterThan(0);
    }
    expect(complaints).toEqual([]);
  });
});

/** As another device of this user: what is typed is another session than the one that came with the page. */
async function turn({ page }: Tab): Promise<void> {
  await page.bringToFront();
  await page.route("**/account/whoami", (route) =>
    route.fulfill({ json: { user_id: "@alice:home.example", device_id: "ANOTHER" } }),
  );
  await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
  await page.locator('[name="address"]').fill(new URL(page.url()).origin);
  await page.locator('[name="token"]').fill("demo");
  await page.locator('[name="users"]').fill(BOB);
  await page.locator("#connect-submit").click();
}

async function crash({ page, cdp }: Tab): Promise<void> {
  const crashed = page.waitForEvent("crash");
  cdp.send("Page.crash").catch(() => undefined); // never answered
  await crashed;
}
