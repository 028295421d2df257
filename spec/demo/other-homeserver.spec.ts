import type { Browser } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";
import { BUILD_TIME, isSkipped, launchChromium } from "./chromium.js";
import { DemoPage } from "./demo-page.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

describe.skipIf(isSkipped)("the demo's page with another homeserver", { timeout: 60_000 }, () => {
  let server: Awaited<ReturnType<typeof startDemo>>;
  let browser: Browser;
  let demo: DemoPage;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDemo({ latency: 150 }), launchChromium()]);
  }, BUILD_TIME);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    demo = await DemoPage.open(browser, server.url);
  });
  afterEach(() => demo.close());

  const connect = async (token: string) => {
    const { page } = demo;
    await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
    await page.locator('[name="address"]').fill(server.url);
    await page.locator('[name="token"]').fill(token);
    await page.locator('[name="users"]').fill(`${BOB} ${DAVE}`);
    await page.locator("#connect-submit").click();
  };
  const refusal = async () => {
    await demo.sees("[data-refused]");
    return demo.page.locator("[data-refused]").textContent();
  };

  it("refuses the token of a device with keys before it syncs", async () => {
    demo.requests.length = 0;
    await connect("phone");
    expect(await refusal()).toMatch(/another client uses it.*room keys/);
    expect(demo.requests.some((url) => url.includes("/sync"))).toBe(false);
    await demo.press("look-up"); // the session before it goes on
    await demo.sees("[data-hit]");
    demo.isWell();
  });

  it("shows why the server refused a token", async () => {
    await connect("nonsense");
    expect(await refusal()).toContain("M_UNKNOWN_TOKEN");
  });

  it("follows the given users without the other buttons, and goes back", async () => {
    await connect("demo");
    await demo.page.locator("#others").waitFor({ state: "hidden" });
    await demo.standing(BOB, "current");
    expect(await demo.attributes("[data-user]", "data-user")).toEqual([BOB, DAVE, ALICE]);
    await demo.press("force");
    await demo.sees('[data-call="answered"]');
    await demo.page.locator("#go-back").click();
    await demo.page.locator("#others").waitFor({ state: "visible" });
    await demo.standing(CAROL, "current");
    demo.isWell();
  });
});
