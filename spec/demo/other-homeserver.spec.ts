import { describe, expect } from "vitest";
import { isSkipped } from "./chromium.js";
import type { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

/** What is wrong, once it is shown beside this field and nowhere else, in view and with the focus on the field. */
async function errorBeside({ page }: DemoPage, field: string): Promise<string | null> {
  const error = page.locator(`#${field}-error`);
  await error.waitFor({ state: "visible" });
  expect(await page.locator(".field-error:visible").count()).toBe(1);
  const [input, shown] = [await page.locator(`[name="${field}"]`).boundingBox(), await error.boundingBox()];
  expect(shown!.y - (input!.y + input!.height)).toBeLessThan(10);
  expect(shown!.y + shown!.height).toBeLessThanOrEqual(page.viewportSize()!.height);
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe(field);
  expect(await page.locator(`[name="${field}"]`).getAttribute("aria-invalid")).toBe("true");
  return error.textContent();
}

describe.skipIf(isSkipped)("the demo's page with another homeserver", { timeout: 60_000 }, () => {
  it("refuses the token of a device with keys before it syncs", async ({ demo }) => {
    demo.requests.length = 0;
    await demo.connect({ token: "phone" });
    expect(await errorBeside(demo, "token")).toMatch(/another client uses it.*room keys/);
    expect(demo.requests.some((url) => url.includes("/sync"))).toBe(false);
    await demo.press("look-up"); // the session before it goes on
    await demo.sees("[data-hit]");
    demo.isWell();
  });

  it("shows beside the field what is wrong with it, until it is edited", async ({ demo }) => {
    await demo.connect({ users: "@carol:home.example bob" });
    expect(await errorBeside(demo, "users")).toBe('"bob" is not a user ID. A user ID looks like @bob:example.org.');
    await demo.connect({ token: "nonsense" });
    expect(await errorBeside(demo, "token")).toContain("M_UNKNOWN_TOKEN");
    await demo.connect({ address: "http://127.0.0.1:9" });
    expect(await errorBeside(demo, "address")).toContain("/account/whoami");
    await demo.connect({ address: `${demo.url}nothing` });
    expect(await errorBeside(demo, "address")).toContain("not a Matrix error");
    await demo.page.locator('[name="address"]').fill(demo.url);
    expect(await demo.page.locator(".field-error:visible, [aria-invalid]").count()).toBe(0);
  });

  it("follows the given users without the other buttons, and goes back", async ({ demo }) => {
    await demo.connect({});
    await demo.page.locator("#others").waitFor({ state: "hidden" });
    await demo.standing(BOB, "current");
    expect(await demo.page.evaluate(() => [document.activeElement?.id, scrollY])).toEqual(["diagram", 0]);
    expect(await demo.attributes("[data-user]", "data-user")).toEqual([BOB, DAVE, ALICE]);
    expect(await demo.page.locator('[name="token"]').inputValue()).toBe("");
    await demo.press("force");
    await demo.sees('[data-call="answered"]');
    await demo.page.locator("#go-back").click();
    await demo.page.locator("#others").waitFor({ state: "visible" });
    await demo.standing(CAROL, "current");
    demo.isWell();
  });

  it("has our identity compared with another device, whose key it cannot know", async ({ demo }) => {
    await demo.connect({ users: `${BOB} ${CAROL}` });
    await demo.page.locator("#others").waitFor({ state: "hidden" });
    await demo.identity(CAROL, "seen");
    const notice = demo.page.locator('[data-identity="unconfirmed"]');
    expect(await notice.textContent()).toContain("on another device of yours");
    expect(await notice.locator("dt").allTextContents()).toEqual(["here"]);
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.explain(CAROL);
    expect(await demo.attributes("#chain [data-link]", "data-link")).toContain("own-master");
    demo.isWell();
  });
});
