import type { CDPSession, Page } from "playwright";
import { expect } from "vitest";
import type { OwnChromium } from "../tabs/own-chromium.js";
import { eventually } from "./chromium.js";
import { ALL_USERS, BOB } from "./users.js";

export interface Tab {
  readonly page: Page;
  readonly cdp: CDPSession;
  readonly requests: string[];
}

// Playwright's own waits need frames, which hidden tabs do not draw.

export const sees = ({ page }: Tab, selector: string): Promise<void> =>
  expect
    .poll(() => page.evaluate((wanted) => document.querySelector(wanted) !== null, selector), {
      ...eventually,
      message: selector,
    })
    .toBe(true);

const roleOf = ({ page }: Tab) =>
  page.evaluate(() => document.querySelector<HTMLElement>("#tabs-headline")?.dataset.syncs);

export const takeOverIn = ({ page }: Tab): Promise<string | null | undefined> =>
  page.evaluate(() => document.querySelector("#tabs-take-over:not([hidden])")?.textContent);

export const textsOf = ({ page }: Tab, selector: string): Promise<(string | null)[]> =>
  page.evaluate((wanted) => [...document.querySelectorAll(wanted)].map((item) => item.textContent), selector);

const devicesIn = ({ page }: Tab, user: string): Promise<(string | null)[]> =>
  page.evaluate(
    (wanted) =>
      [...document.querySelectorAll(`[data-user="${wanted}"] [data-device]`)].map((item) =>
        item.getAttribute("data-device"),
      ),
    user,
  );

export const listsIn = (tab: Tab): Promise<(string | null)[][]> =>
  Promise.all(ALL_USERS.map((user) => devicesIn(tab, user)));

export const requestsTo = ({ requests }: Tab, path: string): number =>
  requests.filter((url) => url.includes(path)).length;

export const press = async ({ page }: Tab, experiment: string): Promise<void> => {
  await page.bringToFront();
  await page.locator(`[data-experiment="${experiment}"]`).click();
};

/** Waits until the button has this label. */
export const labels = ({ page }: Tab, experiment: string, label: string): Promise<void> =>
  expect
    .poll(
      () => page.evaluate((id) => document.querySelector(`[data-experiment="${id}"]`)?.textContent, experiment),
      eventually,
    )
    .toBe(label);

/** Waits until the tab has counted so many tabs. */
export const counts = (tab: Tab, count: number): Promise<void> => sees(tab, `#tabs-headline[data-open="${count}"]`);

/** Bob signs in at the push of a button in the first tab, and all of them show the same, longer list as current. */
export async function changeAndSee(...tabs: [Tab, ...Tab[]]): Promise<void> {
  const before = await devicesIn(tabs[0], BOB);
  await press(tabs[0], "add-device");
  for (const tab of tabs) {
    await expect.poll(() => devicesIn(tab, BOB), eventually).toHaveLength(before.length + 1);
    await sees(tab, `[data-user="${BOB}"][data-standing="current"]`);
  }
  const [shown, ...others] = await Promise.all(tabs.map(listsIn));
  for (const other of others) expect(other).toEqual(shown);
}

/** The tabs that a spec opens, and what they complain about. */
export class DemoTabs {
  tabs: Tab[] = [];
  readonly complaints: string[] = [];

  constructor(
    readonly browser: OwnChromium,
    readonly url: string,
  ) {}

  async open(prepare?: (page: Page) => Promise<unknown>): Promise<Tab> {
    const tab = await this.observe(await this.browser.context.newPage());
    await prepare?.(tab.page);
    await tab.page.goto(this.url);
    await sees(tab, `[data-user="${BOB}"][data-standing="current"]`);
    return tab;
  }

  async openThree(): Promise<readonly [Tab, Tab, Tab]> {
    const three = [await this.open(), await this.open(), await this.open()] as const;
    await this.roles("this tab", "another tab", "another tab");
    return three;
  }

  /** Observes a tab from its first moment on. */
  async observe(page: Page): Promise<Tab> {
    const tab: Tab = { page, cdp: await this.browser.context.newCDPSession(page), requests: [] };
    page.on("request", (request) => tab.requests.push(request.url()));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    this.tabs.push(tab);
    return tab;
  }

  /** Waits until the tabs have these roles. */
  roles(...expected: string[]): Promise<void> {
    return expect.poll(() => Promise.all(this.tabs.map(roleOf)), eventually).toEqual(expected);
  }

  /** Waits until one of these two tabs syncs and the other does not; the syncing one comes first. */
  async syncingFirst(a: Tab, b: Tab): Promise<readonly [Tab, Tab]> {
    const roles = async () => (await Promise.all([a, b].map(roleOf))).toSorted();
    await expect.poll(roles, eventually).toEqual(["another tab", "this tab"]);
    return (await roleOf(a)) === "this tab" ? [a, b] : [b, a];
  }

  async close(): Promise<void> {
    await this.browser.context.newPage(); // closing all tabs would close the browser
    for (const { page } of this.tabs) await page.close();
  }
}
