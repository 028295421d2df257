import type { Page } from "playwright";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { BOB, DAVE } from "./users.js";

const SCREENS = [
  { name: "a desktop", width: 1440, height: 900 },
  { name: "a laptop", width: 1280, height: 800 },
  { name: "a tablet", width: 820, height: 1180 },
  { name: "a phone", width: 390, height: 844 },
] as const;

/** Which part of an element is in view and covered by nothing, from 0 to 1, by its corners and centre. */
const inView = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const points = [
        [left + 12, top + 2],
        [right - 12, top + 2],
        [(left + right) / 2, (top + bottom) / 2],
        [left + 12, bottom - 2],
        [right - 12, bottom - 2],
      ] as const;
      const seen = points.filter(([x, y]) => element.contains(document.elementFromPoint(x, y)));
      return seen.length / points.length;
    });

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
  it.for(SCREENS)("keeps the diagram in view at every button on $name", async ({ width, height }, { browser, url }) => {
    const demo = await DemoPage.open(browser, url, { viewport: { width, height } });
    const buttons = await demo.attributes("[data-experiment]", "data-experiment");
    expect(buttons.length).toBeGreaterThan(15);
    for (const button of [...buttons, ...buttons.toReversed()]) {
      await demo.page.locator(`[data-experiment="${button}"]`).focus(); // as with the Tab key
      expect(await inView(demo.page, `[data-experiment="${button}"]`), `${button} itself`).toBe(1);
      expect(await inView(demo.page, ".chart"), `the diagram at ${button}`).toBe(1);
    }
    await demo.close();
  });

  it("shows a button, the diagram and a new device at once on a desktop", async ({ browser, url }) => {
    const demo = await DemoPage.open(browser, url, { viewport: { width: 1440, height: 900 } });
    const { mouse } = demo.page;
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
      await expect.poll(() => inView(demo.page, seen), { ...eventually, message: seen }).toBe(1); // a card may be redrawn
    expect(await demo.page.evaluate(() => scrollY)).toBe(210);
    await demo.close();
  });

  it("does not move what is below when the narration gets longer", async ({ demo }) => {
    const top = () => demo.page.locator("#people").evaluate((cards) => cards.getBoundingClientRect().top + scrollY);
    const before = await top();
    for (const button of ["swap-key", "claim-key", "reset-identity"]) await demo.press(button);
    await expect
      .poll(() => demo.page.locator("#narration").textContent(), eventually)
      .toContain("identity has changed");
    expect(await top()).toBe(before);
    expect(await demo.page.locator("#narration").evaluate((text) => text.scrollHeight - text.clientHeight)).toBe(0);
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
