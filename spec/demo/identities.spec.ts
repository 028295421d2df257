import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL } from "./users.js";

describe.skipIf(isSkipped)("changed identities in the demo", { timeout: 60_000 }, () => {
  it("are marked until a person acknowledges them, also after a reload", async ({ demo }) => {
    const { page } = demo;
    await demo.identity(CAROL, "verified");
    await demo.press("reset-identity");
    await demo.identity(CAROL, "changed");
    await demo.shields(CAROL, "doubtful");
    await expect
      .poll(() => demo.changes(CAROL), eventually)
      .toContain("The identity has changed. The change has not been acknowledged yet.");
    await page.reload();
    await demo.identity(CAROL, "changed");

    const { queries } = demo;
    await page.getByRole("button", { name: "Acknowledge the new identity of carol" }).focus();
    await page.keyboard.press("Enter");
    await demo.identity(CAROL, "seen"); // we have not compared the new one
    await demo.shields(CAROL, "cross-signed");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("carol"); // in place of the button
    await expect.poll(() => demo.transcript(), eventually).toContain("The new identity of carol was acknowledged.");
    expect(demo.queries).toBe(queries);

    await page.reload();
    await demo.identity(CAROL, "seen");
    await demo.shields(CAROL, "cross-signed");
    await demo.press("reset-identity");
    await demo.identity(CAROL, "changed"); // only the former one was acknowledged
    demo.isWell();
  });

  it("are reported as a problem if they are our own, and no user is verified", async ({ demo }) => {
    await demo.identity(CAROL, "verified");
    await demo.press("own-identity");
    await demo.identity(ALICE, "changed");
    await demo.identity(CAROL, "seen");
    await demo.sees("[data-problem]");
    expect(await demo.page.locator("[data-problem]").allTextContents()).toEqual([
      expect.stringContaining("our own master key"),
    ]);
    await demo.pressAgain("own-identity", "again");
    await demo.identity(CAROL, "verified");
    await demo.identity(ALICE, "seen");
    demo.isWell();
  });

  it("and their acknowledgements show in every tab", async ({ demo }) => {
    const other = await demo.another();
    await demo.press("forge-signature");
    for (const tab of [demo, other]) {
      await tab.sees(`[data-update="${BOB}"] [data-change="refused"]`);
      await tab.sees(`[data-user="${BOB}"] [data-rejected]`);
    }
    await demo.press("reset-identity");
    for (const tab of [demo, other]) await tab.identity(CAROL, "changed");
    await other.page.locator(`[data-acknowledge="${CAROL}"]`).click();
    for (const tab of [other, demo]) await tab.identity(CAROL, "seen");
    await expect
      .poll(() => demo.transcript(), eventually)
      .toContain("The new identity of carol was acknowledged in another tab.");
    await expect.poll(() => other.transcript(), eventually).toContain("The new identity of carol was acknowledged.");
    for (const tab of [demo, other]) tab.isWell();
  });
});
