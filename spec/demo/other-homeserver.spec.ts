import { describe, expect } from "vitest";
import { isSkipped } from "./chromium.js";
import type { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

describe.skipIf(isSkipped)("the demo's page with another homeserver", { timeout: 60_000 }, () => {
  const connect = async ({ page, url }: DemoPage, token: string) => {
    await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
    await page.locator('[name="address"]').fill(url);
    await page.locator('[name="token"]').fill(token);
    await page.locator('[name="users"]').fill(`${BOB} ${DAVE}`);
    await page.locator("#connect-submit").click();
  };
  const refusal = async (demo: DemoPage) => {
    await demo.sees("[data-refused]");
    return demo.page.locator("[data-refused]").textContent();
  };

  it("refuses the token of a device with keys before it syncs", async ({ demo }) => {
    demo.requests.length = 0;
    await connect(demo, "phone");
    expect(await refusal(demo)).toMatch(/another client uses it.*room keys/);
    expect(demo.requests.some((url) => url.includes("/sync"))).toBe(false);
    await demo.press("look-up"); // the session before it goes on
    await demo.sees("[data-hit]");
    demo.isWell();
  });

  it("shows why the server refused a token", async ({ demo }) => {
    await connect(demo, "nonsense");
    expect(await refusal(demo)).toContain("M_UNKNOWN_TOKEN");
  });

  it("follows the given users without the other buttons, and goes back", async ({ demo }) => {
    await connect(demo, "demo");
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
