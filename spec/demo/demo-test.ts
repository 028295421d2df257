import type { Browser } from "playwright";
import { test } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";
import { launchChromium } from "./chromium.js";
import { DemoPage } from "./demo-page.js";

/** How long a `/keys/query` takes, in ms: long enough to be seen in flight. */
export const LATENCY = 150;

/** A test with a demo of its own: a new world on a new origin, with nothing saved. */
export const it = test.extend<{ browser: Browser; url: string; demo: DemoPage }>({
  browser: [
    async ({}, use) => {
      const browser = await launchChromium();
      await use(browser);
      await browser.close();
    },
    { scope: "file" },
  ],
  url: async ({}, use) => {
    const { url, stop } = await startDemo({ latency: LATENCY });
    await use(url);
    await stop();
  },
  demo: async ({ browser, url }, use) => {
    const demo = await DemoPage.open(browser, url);
    await use(demo);
    await demo.close();
  },
});
