import type { Page } from "playwright";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { BOB, DAVE } from "./users.js";

/** A desktop, two laptops, a tablet and a phone. */
const SCREENS = [
  { width: 1440, height: 900 },
  { width: 1280, height: 800 },
  { width: 1366, height: 625 },
  { width: 820, height: 1180 },
  { width: 390, height: 844 },
] as const;

/** Defines `isInView` in the page: whether the corners and the centre of an element are in view, covered by nothing. */
const defineIsInView = (): void => {
  Object.assign(globalThis, {
    isInView: (element: Element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const points = [
        [left + 12, top + 2],
        [right - 12, top + 2],
        [(left + right) / 2, (top + bottom) / 2],
        [left + 12, bottom - 2],
        [right - 12, bottom - 2],
      ] as const;
      return points.every(([x, y]) => element.contains(document.elementFromPoint(x, y)));
    },
  });
};
declare const isInView: (element: Element) => boolean;

const seesWhole = (page: Page, selector: string): Promise<boolean> =>
  page
    .locator(selector)
    .first()
    .evaluate((element) => isInView(element));

/** Texts that are cut off: on the paper, beside it, and on buttons. */
const cutOff = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const paper = document.querySelector<SVGSVGElement>("#paper")!;
    const [width, height] = [paper.width.baseVal.value, paper.height.baseVal.value];
    const window = document.querySelector("#scroller")!.getBoundingClientRect();
    const onPaper = [...paper.querySelectorAll<SVGTextElement>("text")].filter((text) => {
      const [box, origin] = [text.getBoundingClientRect(), paper.getBoundingClientRect()];
      const [left, top] = [box.left - origin.left, box.top - origin.top];
      const crosses = (edge: number) => box.left < edge && edge < box.right && getComputedStyle(text).opacity !== "0";
      const isOutside = left < 0 || left + box.width > width || top < 0 || top + box.height > height;
      return isOutside || crosses(window.left) || crosses(window.right);
    });
    const beside = [...document.querySelectorAll<HTMLElement>(".labels *, button, .chip")].filter(
      ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
        clientWidth > 0 && (scrollWidth > clientWidth || scrollHeight > clientHeight + 1),
    );
    const chips = [...document.querySelectorAll<HTMLElement>(".labels .chip")].filter(
      (chip) => chip.getBoundingClientRect().right > chip.closest(".labels")!.getBoundingClientRect().right,
    );
    return [...onPaper, ...beside, ...chips].map(({ textContent }) => textContent);
  });

describe.skipIf(isSkipped)("what is in view in the demo", { timeout: 60_000 }, () => {
  it.for(SCREENS)(
    "keeps the diagram in view at every button at $width × $height px",
    async (viewport, { browser, url }) => {
      const demo = await DemoPage.open(browser, url, { viewport });
      await demo.page.evaluate(defineIsInView);
      const hidden = await demo.page.evaluate(() => {
        const buttons = [...document.querySelectorAll<HTMLElement>("[data-experiment]")];
        return [...buttons, ...buttons.toReversed()].flatMap((button) => {
          button.focus(); // as with the Tab key
          return [button, document.querySelector(".chart")!]
            .filter((element) => !isInView(element))
            .map(({ className }) => `${className} at ${button.dataset.experiment}`);
        });
      });
      expect(hidden).toEqual([]);
      expect(await demo.page.locator("[data-experiment]").count()).toBeGreaterThan(15);
      await demo.close();
    },
  );

  it("shows a button, the diagram and a new device at once on a desktop", async ({ browser, url }) => {
    const demo = await DemoPage.open(browser, url, { viewport: { width: 1440, height: 900 } });
    const { mouse } = demo.page;
    await demo.page.evaluate(defineIsInView);
    const lastTrick = demo.page.locator('[data-experiment="unsigned-device"]');
    await mouse.move(900, 500);
    await mouse.wheel(0, 210); // the page, past its head
    await expect.poll(() => demo.page.evaluate(() => scrollY), eventually).toBe(210);
    await mouse.move(200, 500);
    const before = (await lastTrick.boundingBox())!;
    await mouse.wheel(0, 300); // the buttons alone
    await expect.poll(async () => (await lastTrick.boundingBox())!.y, eventually).toBeLessThan(before.y - 250);
    await mouse.click(before.x + 40, (await lastTrick.boundingBox())!.y + 10);
    await demo.sees(`[data-user="${BOB}"] li.new`);
    for (const seen of [".chart", '[data-experiment="unsigned-device"]', `[data-user="${BOB}"] li.new`])
      // A card may be redrawn.
      await expect.poll(() => seesWhole(demo.page, seen), { ...eventually, message: seen }).toBe(true);
    expect(await demo.page.evaluate(() => scrollY)).toBe(210);
    await demo.close();
  });

  it("does not move what is below when the narration gets longer", async ({ browser, url }) => {
    const demo = await DemoPage.open(browser, url, { viewport: { width: 390, height: 844 } });
    const top = () => demo.page.locator(".controls").evaluate((next) => next.getBoundingClientRect().top + scrollY);
    const before = await top();
    for (const button of ["swap-key", "claim-key", "reset-identity"]) await demo.press(button);
    for (const words of ["identity has changed", "claim the same key"])
      await expect.poll(() => demo.transcript(), eventually).toContainEqual(expect.stringContaining(words));
    const [latest = ""] = await demo.transcript();
    await expect.poll(() => demo.page.locator("#narration").textContent(), eventually).toContain(latest);
    expect(await top()).toBe(before);
    expect(await demo.page.locator("#narration").evaluate((text) => text.scrollHeight - text.clientHeight)).toBe(0);
    await demo.close();
  });

  it.for([1440, 390])("cuts off no label, first at %i px and then at any width", async (width, { browser, url }) => {
    const demo = await DemoPage.open(browser, url, { viewport: { width, height: 844 } });
    expect(await cutOff(demo.page)).toEqual([]);
    await demo.press("superseded");
    await demo.press("server");
    await demo.standing(DAVE, "unreachable");
    await demo.sees(`[data-bar="${BOB}"][data-verdict="superseded"]`);
    expect(await cutOff(demo.page)).toEqual([]); // at once, while the label is at the right edge
    for (const other of [1920, 1280, 820, 390, 320]) {
      await demo.page.setViewportSize({ width: other, height: 844 });
      await expect.poll(() => cutOff(demo.page), eventually).toEqual([]);
    }
    await demo.close();
  });
});
