import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright";
import { expect } from "vitest";
import { eventually, PATIENCE } from "./chromium.js";
import { ALICE, ALL_USERS, BOB, DAVE } from "./users.js";

/** What is typed into the form for another homeserver. */
interface Typed {
  readonly address?: string;
  readonly token?: string;
  readonly users?: string;
}

/** One visit to the demo's page, and everything it requested and complained about. */
export class DemoPage {
  readonly requests: string[] = [];
  readonly complaints: string[] = [];

  private constructor(
    readonly url: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** Opens the page in a new profile, and waits until the lists of all users are current. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<DemoPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    return DemoPage.openIn(context, url);
  }

  private static async openIn(context: BrowserContext, url: string): Promise<DemoPage> {
    const demo = new DemoPage(url, context, await context.newPage());
    await demo.page.goto(url);
    for (const user of ALL_USERS) await demo.standing(user, "current");
    return demo;
  }

  /** Opens the page in another tab of the same profile. */
  another(): Promise<DemoPage> {
    return DemoPage.openIn(this.context, this.url);
  }

  close(): Promise<void> {
    return this.context.close();
  }

  sees(selector: string): Promise<void> {
    return this.page.locator(selector).first().waitFor({ state: "attached" });
  }

  seesNo(selector: string): Promise<void> {
    return expect.poll(() => this.page.locator(selector).count(), eventually).toBe(0);
  }

  standing(user: string, wanted: string): Promise<void> {
    return this.sees(`[data-user="${user}"][data-standing="${wanted}"]`);
  }

  identity(user: string, mark: string): Promise<void> {
    return this.sees(`[data-user="${user}"] [data-identity="${mark}"]`);
  }

  /** Confirms our own identity, as after comparing it with the phone. */
  async confirm(): Promise<void> {
    await this.page.locator('[data-action="confirm"]').click();
    await this.identity(ALICE, "confirmed");
  }

  /** Shows why the n-th device of a user is trusted as far as it is. */
  async explain(user: string, n = 0): Promise<void> {
    await this.page.locator(`[data-user="${user}"] [data-action="explain"]`).nth(n).click();
    await this.sees("#chain[open]");
  }

  /** Waits until the user's devices have these shields, in this order. */
  shields(user: string, ...expected: string[]): Promise<void> {
    const shown = () => this.attributes(`[data-user="${user}"] [data-device]`, "data-shield");
    return expect.poll(shown, eventually).toEqual(expected);
  }

  press(experiment: string): Promise<void> {
    return this.page.locator(`[data-experiment="${experiment}"]`).click();
  }

  /** Presses a button once it has this label. */
  pressAgain(experiment: string, label: string): Promise<void> {
    return this.page.locator(`[data-experiment="${experiment}"]`, { hasText: label }).click();
  }

  attributes(selector: string, name: string): Promise<readonly (string | null)[]> {
    return this.page
      .locator(selector)
      .evaluateAll((items, wanted) => items.map((item) => item.getAttribute(wanted)), name);
  }

  /** Fills in the form for another homeserver, by default with this one, and submits it. */
  async connect({ address = this.url, token = "demo", users = `${BOB} ${DAVE}` }: Typed): Promise<void> {
    const { page } = this;
    await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
    for (const [name, text] of Object.entries({ address, token, users }))
      await page.locator(`[name="${name}"]`).fill(text);
    await page.locator("#connect-submit").click();
  }

  devices(user: string): Promise<readonly (string | null)[]> {
    return this.attributes(`[data-user="${user}"] [data-device]`, "data-device");
  }

  /** IDs and whole ed25519 keys of a user's devices. */
  keys(user: string): Promise<readonly (string | null)[]> {
    return this.attributes(`[data-user="${user}"] [data-device] > code`, "title");
  }

  /** What changed in a user's list, the latest first. */
  changes(user: string): Promise<string[]> {
    return this.page.locator(`[data-update="${user}"] [data-change]`).allTextContents();
  }

  /** What became of a user's keys, the latest first. */
  history(user: string): Promise<string[]> {
    return this.page.locator(`[data-user="${user}"] [data-key-event] span`).allTextContents();
  }

  /** Sentences, the latest first. */
  transcript(): Promise<string[]> {
    return this.page.locator("#transcript li").allTextContents();
  }

  /** `/keys/query` requests so far. */
  get queries(): number {
    return this.requests.filter((url) => url.includes("/keys/query")).length;
  }

  /** Checks that the page fits these widths. */
  async fits(...widths: readonly number[]): Promise<void> {
    for (const width of widths) {
      await this.page.setViewportSize({ width, height: 844 });
      const fits = await this.page.evaluate(
        () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
      );
      expect(fits, `at ${width} px`).toBe(true);
    }
  }

  /** Checks what holds for every visit: no complaints, and no request to another origin. */
  isWell(): void {
    expect(this.complaints).toEqual([]);
    expect(this.requests.filter((url) => new URL(url).origin !== new URL(this.url).origin)).toEqual([]);
  }
}
