import { test } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";
import { startChromium, type OwnChromium } from "../tabs/own-chromium.js";
import { executablePath } from "./chromium.js";
import { LATENCY } from "./demo-test.js";
import { DemoTabs } from "./demo-tabs.js";

/** A test with tabs that behave as they do for a user, and a demo of its own. */
export const it = test.extend<{ browser: OwnChromium; demo: DemoTabs }>({
  browser: [
    async ({}, use) => {
      const browser = await startChromium(executablePath);
      await use(browser);
      await browser.stop();
    },
    { scope: "file" },
  ],
  demo: async ({ browser }, use) => {
    const { url, stop } = await startDemo({ latency: LATENCY });
    const demo = new DemoTabs(browser, url);
    await use(demo);
    await demo.close();
    await stop();
  },
});
