import { describe, expect } from "vitest";
import { isSkipped } from "./chromium.js";
import { it } from "./demo-test.js";

const PEOPLE = 5_000;

describe.skipIf(isSkipped)("the demo's room of 5,000", { timeout: 120_000 }, () => {
  it("shows how far the answer is, and answers again without the server", async ({ demo }) => {
    const { queries } = demo;
    const words = demo.page.locator("#hall-words");
    const seen = await demo.page.evaluateHandle(() => {
      const texts: string[] = [];
      const shown = document.querySelector("#hall-words");
      if (shown !== null) new MutationObserver(() => texts.push(shown.textContent)).observe(shown, { childList: true });
      return texts;
    });
    await demo.page.locator("#hall-send").click();
    await demo.sees("#hall-progress:not([hidden])");
    await expect.poll(() => words.textContent(), { timeout: 60_000 }).toMatch(/^15,000 devices of 5,000 people/u);
    const progress = (await seen.jsonValue()).flatMap((text) => {
      const [, known] = /^([\d,]+) of 5,000 people, [\d,]+ signatures verified$/u.exec(text) ?? [];
      return known === undefined ? [] : [Number(known.replace(",", ""))];
    });
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(new Set(progress).size).toBeGreaterThan(10);
    const asked = demo.queries - queries;
    expect(asked).toBe(Math.ceil(PEOPLE / 250));

    await demo.page.locator("#hall-send").click();
    await expect.poll(() => words.textContent()).toMatch(/known after \d+ ms/u);
    await demo.page.reload();
    await demo.page.locator("#hall-send").click();
    await expect.poll(() => words.textContent(), { timeout: 20_000 }).toMatch(/^15,000 devices of 5,000 people/u);
    expect(demo.queries - queries).toBe(asked);
    demo.isWell();
  });
});
