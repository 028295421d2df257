import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import type { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { BOB, CAROL } from "./users.js";

const databases = ({ page }: DemoPage): Promise<(string | undefined)[]> =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));

describe.skipIf(isSkipped)("starting over in the demo", { timeout: 60_000 }, () => {
  it("resets the homeserver and clears the store, in all tabs", async ({ demo }) => {
    const other = await demo.another();
    const [keys, stores] = [await demo.keys(BOB), await databases(demo)];
    expect(stores).toHaveLength(1);
    await demo.press("own-identity");
    await demo.press("add-device");
    await demo.press("leave");
    for (const tab of [demo, other]) await tab.standing(CAROL, "untracked");
    await demo.sees("[data-problem]");

    await other.page.locator("#start-over").click();
    for (const [tab, sentence] of [
      [other, "Started over: a new homeserver with new keys, and nothing is saved."],
      [demo, "Another tab started over: a new homeserver with new keys, and nothing is saved."],
    ] as const) {
      await expect.poll(() => tab.transcript(), eventually).toContain(sentence);
      await tab.standing(CAROL, "current");
      await tab.shields(BOB, "cross-signed", "cross-signed");
      expect((await tab.keys(BOB)).filter((key) => keys.includes(key))).toEqual([]);
      await tab.seesNo("[data-problem]");
    }
    expect(await demo.keys(BOB)).toEqual(await other.keys(BOB));
    expect(await other.page.evaluate(() => document.activeElement?.id)).toBe("start-over");
    await expect.poll(() => databases(demo), eventually).toHaveLength(1);
    expect(await databases(demo)).not.toEqual(stores);
    await expect.poll(() => demo.attributes("#tabs-headline", "data-open"), eventually).toEqual(["2"]);

    await demo.press("add-device"); // and everything goes on, in both
    for (const tab of [demo, other]) await tab.shields(BOB, "cross-signed", "cross-signed", "self-signed");
    for (const tab of [demo, other]) tab.isWell();
  });

  it("ends queries in flight, and forgets the lies of the server", async ({ demo }) => {
    await demo.press("swap-key");
    await demo.sees(`[data-user="${BOB}"] [data-rejected]`);
    await demo.press("slow");
    await demo.pressAgain("slow", "Unsubscribe");
    await demo.press("slow");
    await demo.page.locator('[data-experiment="slow"]', { hasText: "Unsubscribe" }).waitFor();
    await demo.page.locator("#start-over").click();
    await demo.seesNo(`[data-user="${BOB}"] [data-rejected]`);
    await demo.page.locator('[data-experiment="slow"]', { hasText: "Start" }).waitFor();
    await demo.page.locator('[data-experiment="swap-key"]', { hasText: "Swap" }).waitFor();
    await demo.shields(BOB, "cross-signed", "cross-signed");
    demo.isWell();
  });

  it("leaves a tab alone that shows another homeserver", async ({ demo }) => {
    const other = await demo.another();
    await other.connect({ users: BOB });
    await other.page.locator("#others").waitFor({ state: "hidden" });
    await other.standing(BOB, "current");
    expect(await other.page.locator("#start-over").isVisible()).toBe(false);
    await demo.page.locator("#start-over").click();
    await demo.standing(CAROL, "current");
    await expect.poll(() => demo.transcript(), eventually).toContainEqual(expect.stringMatching(/^Started over/));
    expect(await other.page.locator("#others").isVisible()).toBe(false);
  });
});
