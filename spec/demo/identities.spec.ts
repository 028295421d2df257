import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL } from "./users.js";

const acknowledgement = (user: string) => `[data-action="acknowledge"][data-whom="${user}"]`;

describe.skipIf(isSkipped)("identities in the demo", { timeout: 60_000 }, () => {
  it("count for nothing in our name until a person has confirmed our own", async ({ demo }) => {
    const { page, queries } = demo;
    const notice = page.locator(`[data-user="${ALICE}"] [data-identity="unconfirmed"]`);
    await demo.identity(CAROL, "seen");
    expect(await notice.locator("dd").allTextContents()).toEqual([
      expect.stringMatching(/^\S{4} \S{4} \S{4} …$/u),
      await notice.locator("dd").first().textContent(), // the phone shows the same
    ]);
    await page.getByRole("button", { name: "confirm your own identity" }).focus();
    await page.keyboard.press("Enter");
    await demo.identity(ALICE, "confirmed");
    await demo.identity(CAROL, "verified");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("alice (you)");
    expect(await demo.history(ALICE)).toEqual([
      "You confirmed that this identity is your own.",
      "First seen: the identity, its key for signing devices and Alice’s phone.",
    ]);
    await expect
      .poll(() => demo.transcript(), eventually)
      .toContain("Our own identity was confirmed: users whom it has signed are verified.");
    expect(demo.queries).toBe(queries);

    await page.reload();
    await demo.identity(ALICE, "confirmed");
    await demo.identity(CAROL, "verified");
    expect((await demo.transcript()).filter((line) => line.includes("confirmed"))).toEqual([]);
    demo.isWell();
  });

  it("show another key than the phone if the server has invented ours", async ({ browser, url }) => {
    const demo = await DemoPage.open(browser, url);
    await demo.press("own-identity");
    await demo.identity(ALICE, "changed");
    const visitor = await DemoPage.open(browser, url); // a new profile, which has never seen the true one
    const keys = visitor.page.locator(`[data-user="${ALICE}"] [data-identity="unconfirmed"] code`);
    await keys.first().waitFor();
    const [here, phone] = await Promise.all([0, 1].map((n) => keys.nth(n).getAttribute("title")));
    expect(phone).toMatch(/^[\w+/]{43}$/u);
    expect(here).not.toBe(phone);
    await visitor.close();
    await demo.close();
  });

  it("are marked until a person acknowledges the change, also after a reload", async ({ demo }) => {
    const { page } = demo;
    await demo.identity(CAROL, "seen");
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
    await expect
      .poll(() => demo.history(CAROL), eventually)
      .toEqual([
        "You acknowledged the identity.",
        "The server returned another identity. The known one stays until you acknowledge the other.",
        "First seen: the identity, its key for signing devices and Carol’s phone.",
      ]);
    expect(demo.queries).toBe(queries);

    await page.reload();
    await demo.identity(CAROL, "seen");
    await demo.shields(CAROL, "cross-signed");
    await demo.press("reset-identity");
    await demo.identity(CAROL, "changed"); // only the former one was acknowledged
    demo.isWell();
  });

  it("of verified users get no messages once replaced, until that is withdrawn", async ({ demo }) => {
    const { page } = demo;
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.press("reset-identity");
    await page.locator(acknowledgement(CAROL)).click();
    await demo.identity(CAROL, "violated");
    await demo.sees(`#recipients [data-whose="${CAROL}"][data-reason="verification-violated"]`);
    await page.reload();
    await demo.identity(CAROL, "violated");

    await page.getByRole("button", { name: "Go on without verification of carol" }).focus();
    await page.keyboard.press("Enter");
    await demo.identity(CAROL, "seen");
    await demo.seesNo("#recipients [data-whose]");
    await expect.poll(() => demo.changes(CAROL), eventually).toContain("The verification was withdrawn.");
    await expect.poll(() => demo.transcript(), eventually).toContain("The verification of carol was withdrawn.");
    await page.reload();
    await demo.identity(CAROL, "seen");
    demo.isWell();
  });

  it("are reported as a problem if they are our own, and no user is verified", async ({ demo }) => {
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.press("force"); // an answer that finds her verified
    await demo.sees(`[data-bar="${CAROL}"][data-query="2"][data-verdict="current"]`);
    await demo.press("own-identity");
    await demo.identity(ALICE, "changed");
    await demo.identity(CAROL, "unjudged"); // not violated: her identity is as it was
    await demo.sees("[data-problem]");
    expect(await demo.page.locator("[data-problem]").allTextContents()).toEqual([
      expect.stringContaining("our own master key"),
    ]);
    await demo.pressAgain("own-identity", "again");
    await demo.identity(CAROL, "verified");
    await demo.identity(ALICE, "confirmed");
    demo.isWell();
  });

  it("and what a person decides about them show in every tab", async ({ demo }) => {
    const other = await demo.another();
    const tabs = [demo, other];
    await demo.press("forge-signature");
    for (const tab of tabs) {
      await tab.sees(`[data-update="${BOB}"] [data-change="refused"]`);
      await tab.sees(`[data-user="${BOB}"] [data-rejected]`);
    }
    await other.confirm();
    for (const tab of tabs) await tab.identity(CAROL, "verified");
    await demo.press("reset-identity");
    for (const tab of tabs) await tab.identity(CAROL, "changed");
    await other.page.locator(acknowledgement(CAROL)).click();
    for (const tab of tabs) await tab.identity(CAROL, "violated");
    await other.page.locator('[data-action="withdraw"]').click();
    for (const tab of tabs) await tab.identity(CAROL, "seen");
    for (const text of [
      "The new identity of carol was acknowledged",
      "The verification of carol was withdrawn",
      "Our own identity was confirmed",
    ]) {
      const said = (ending: string) => expect.stringMatching(new RegExp(`^${text}${ending}`));
      await expect.poll(() => demo.transcript(), eventually).toContainEqual(said(" in another tab"));
      await expect.poll(() => other.transcript(), eventually).toContainEqual(said("[.:]"));
    }
    for (const tab of tabs) tab.isWell();
  });
});
