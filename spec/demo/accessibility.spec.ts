import type { Page } from "playwright";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

const TRICKS = [
  "swap-key",
  "rekey-device",
  "forge-signature",
  "unsigned-device",
  "claim-key",
  "reset-identity",
  "own-identity",
];
const BUTTONS = [
  "open-tab",
  "scroller",
  "superseded",
  "add-device",
  "remove-device",
  "leave",
  "server",
  "look-up",
  "force",
  "twice",
  "slow",
];

/** The slow query takes 10 s. */
const whileInFlight = { timeout: 8_000, interval: 50 };

/** How often the diagram moves within some frames without being redrawn, which happens only after an event. */
const movesBetweenEvents = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const paper = document.querySelector("#paper")!;
    const position = () =>
      `${paper.querySelector(".now")?.getBoundingClientRect().left} ${paper.getAttribute("width")}`;
    let isRedrawn = false;
    const observer = new MutationObserver(() => (isRedrawn = true));
    observer.observe(paper, { childList: true });
    let moves = 0;
    let before = position();
    for (let frame = 0; frame < 20; frame++) {
      await new Promise(requestAnimationFrame);
      const now = position();
      if (now !== before && !isRedrawn) moves++;
      [before, isRedrawn] = [now, false];
    }
    observer.disconnect();
    return moves;
  });

describe.skipIf(isSkipped)("accessibility of the demo", { timeout: 60_000 }, () => {
  it("works by keyboard, with a visible focus on every button", async ({ demo }) => {
    const { page } = demo;
    const reached: string[] = [];
    for (;;) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement === document.body)) break; // once around
      const [name, outlined] = await page.evaluate(() => {
        const focused = document.activeElement;
        return [
          focused?.getAttribute("data-experiment") ?? focused?.id ?? "",
          focused !== null && getComputedStyle(focused).outlineStyle !== "none",
        ] as const;
      });
      expect(outlined, `focus on "${name}" is visible`).toBe(true);
      reached.push(name);
    }
    expect(reached).toEqual(expect.arrayContaining(BUTTONS));
    demo.isWell();
  });

  it("keeps the focus on a button whose label changes", async ({ demo }) => {
    const { page } = demo;
    await page.locator('[data-experiment="leave"]').focus();
    await page.keyboard.press("Enter");
    await page.locator('[data-experiment="leave"]', { hasText: "comes back" }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-experiment"))).toBe("leave");
    await expect.poll(() => page.locator("#narration").textContent(), eventually).toContain("carol left");
    await page.keyboard.press("Space");
    await demo.standing(CAROL, "current");
    demo.isWell();
  });

  it("does not scroll sideways, down to 320 px, with everything shown", async ({ demo }) => {
    await demo.page.locator(".connect summary").click();
    await demo.page.locator(".reading summary").click();
    for (const summary of await demo.page.locator(".history summary").all()) await summary.click();
    await demo.fits(320, 390, 1280); // with our own identity to be confirmed
    await demo.confirm();
    for (const trick of TRICKS) await demo.press(trick);
    await demo.identity(ALICE, "changed");
    await demo.identity(CAROL, "changed");
    await demo.sees(`[data-user="${CAROL}"] [data-contested]`);
    await demo.page.getByLabel("only cross-signed").check();
    await demo.fits(320, 390, 768, 1024, 1280, 1920);
    for (const trick of TRICKS.filter((one) => !["reset-identity", "rekey-device"].includes(one)))
      await demo.press(trick);
    await demo.seesNo(`[data-user="${BOB}"] [data-rejected]`);
    demo.isWell();
  });

  it("flows while a query is in flight", async ({ demo }) => {
    await demo.press("slow");
    await demo.sees(`[data-bar="${DAVE}"][data-end="open"]`);
    await expect.poll(() => movesBetweenEvents(demo.page), whileInFlight).toBeGreaterThan(0);
    await demo.pressAgain("slow", "Unsubscribe");
    demo.isWell();
  });

  it("moves only with events if reduced motion is preferred", async ({ demo }) => {
    await demo.page.emulateMedia({ reducedMotion: "reduce" });
    await demo.press("slow");
    await demo.sees(`[data-bar="${DAVE}"][data-end="open"]`);
    await expect.poll(() => movesBetweenEvents(demo.page), whileInFlight).toBe(0);
    await demo.pressAgain("slow", "Unsubscribe");
    await demo.sees(`[data-bar="${DAVE}"][data-end="aborted"]`);
    demo.isWell();
  });
});
