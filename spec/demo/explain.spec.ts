import { createPublicKey, verify } from "node:crypto";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import type { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

const ties = (demo: DemoPage) => demo.page.locator("#chain .tie").allTextContents();
const kinds = (demo: DemoPage) => demo.attributes("#chain [data-link]", "data-link");
const weakest = (demo: DemoPage) => demo.attributes("#chain [data-weakest]", "data-link");
const TIME = "\\d\\d:\\d\\d:\\d\\d";

/** A chain as the page copies it. */
interface CopiedChain {
  readonly weakest: number | null;
  readonly links: readonly {
    readonly key: string;
    readonly signature?: { readonly by: string; readonly signature: string; readonly signed: string };
  }[];
}

function isSigned({ by, signature, signed }: NonNullable<CopiedChain["links"][number]["signature"]>): boolean {
  const x = Buffer.from(by, "base64").toString("base64url");
  const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
  return verify(null, Buffer.from(signed, "base64"), key, Buffer.from(signature, "base64"));
}

async function copied(demo: DemoPage): Promise<CopiedChain> {
  await demo.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await demo.page.getByRole("button", { name: "Copy as JSON" }).click();
  await expect.poll(() => demo.page.locator("#chain-copied").textContent(), eventually).toMatch(/^Copied/);
  return JSON.parse(await demo.page.evaluate(() => navigator.clipboard.readText())) as CopiedChain;
}

describe.skipIf(isSkipped)("why a device is trusted, in the demo,", { timeout: 60_000 }, () => {
  it("shows each key, what ties it to the one before, and the weakest link", async ({ demo }) => {
    await demo.explain(BOB);
    expect(await kinds(demo)).toEqual(["master", "self-signing", "device"]);
    expect(await weakest(demo)).toEqual(["master"]);
    expect(await ties(demo)).toEqual([
      expect.stringMatching(new RegExp(`^First seen at ${TIME}, and the same since\\. No person has compared it\\.$`)),
      "Signed by bob’s identity.",
      "Signed by the key for signing devices.",
    ]);
    await demo.page.getByRole("button", { name: "Close" }).click();
    await demo.seesNo("#chain[open]");

    await demo.explain(DAVE);
    expect(await ties(demo)).toEqual(["Signed only by itself."]);
    expect(await weakest(demo)).toEqual(["device"]);
    demo.isWell();
  });

  it("begins at our own identity once that is confirmed, and has no weak link", async ({ demo }) => {
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.explain(CAROL);
    expect(await kinds(demo)).toEqual(["own-master", "own-user-signing", "master", "self-signing", "device"]);
    expect(await weakest(demo)).toEqual([]);
    expect(await ties(demo)).toEqual([
      expect.stringMatching(new RegExp(`^Confirmed by you at ${TIME}\\.$`)),
      "Signed by your own identity.",
      "Signed by your key for verifying people.",
      "Signed by carol’s identity.",
      "Signed by the key for signing devices.",
    ]);
    demo.isWell();
  });

  it("can be copied, and another program finds every signature valid", async ({ demo }) => {
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.explain(CAROL);
    const { links, weakest: position } = await copied(demo);
    expect(position).toBeNull();
    expect(links.map(({ key }) => key)).toEqual(await demo.page.locator("#chain code").allTextContents());
    const [first, ...others] = links;
    expect(first?.signature).toBeUndefined();
    expect(others.map(({ signature }) => signature?.by)).toEqual(links.slice(0, -1).map(({ key }) => key));
    for (const { key, signature } of others) {
      expect(isSigned(signature!)).toBe(true);
      expect(Buffer.from(signature!.signed, "base64").toString()).toContain(`"${key}"`);
    }
    demo.isWell();
  });

  it("says that the device as it is returned now is refused, and follows changes", async ({ demo }) => {
    await demo.press("swap-key");
    await demo.sees(`[data-user="${BOB}"] [data-rejected][data-kept]`);
    const [phone] = await demo.keys(BOB);
    await demo.explain(BOB);
    expect(await demo.page.locator("#chain .refusal").textContent()).toContain("nothing proves that its owner made");
    expect(phone).toContain(await demo.page.locator("#chain code").last().textContent());
    await demo.page.evaluate(() =>
      fetch("/control/take-back-trick", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ trick: "swap-key" }),
      }),
    );
    await demo.seesNo("#chain .refusal");
    expect(await demo.page.locator("#chain[open]").count()).toBe(1);
    demo.isWell();
  });

  it("works by keyboard, and gives the focus back, also to a card that was redrawn", async ({ demo }) => {
    const { page } = demo;
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    await page.getByRole("button", { name: "Bob’s laptop: signed by its owner. Why?" }).focus();
    await page.keyboard.press("Enter");
    await demo.sees("#chain[open]");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Close");
    await page.evaluate(() =>
      fetch("/control/add-device", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user_id: "@bob:home.example" }),
      }),
    );
    await demo.shields(BOB, "cross-signed", "cross-signed", "self-signed");
    await page.keyboard.press("Escape");
    await demo.seesNo("#chain[open]");
    await expect.poll(focused, eventually).toBe("Bob’s laptop: signed by its owner. Why?");
    await page.keyboard.press("Space");
    await demo.sees("#chain[open]");
    demo.isWell();
  });

  it.for([1440, 390, 320])("moves nothing on the page, and fits, at %i px", async (width, { demo }) => {
    const { page } = demo;
    await page.setViewportSize({ width, height: 844 });
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    const button = page.locator(`[data-user="${CAROL}"] [data-action="explain"]`);
    await button.scrollIntoViewIfNeeded();
    await button.click({ trial: true });
    const layout = () =>
      page.evaluate(() =>
        [...document.querySelectorAll(".card, .controls, .news, footer")].map((one) => {
          const { left, top, width: wide, height } = one.getBoundingClientRect();
          return [left, top, wide, height].map(Math.round);
        }),
      );
    const before = await layout();
    await button.click();
    await demo.sees("#chain[open]");
    expect(await layout()).toEqual(before);
    const overflow = await page.locator("#chain").evaluate((dialog) => {
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      const isInside = left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
      return { sideways: dialog.scrollWidth - dialog.clientWidth, isInside };
    });
    expect(overflow).toEqual({ sideways: 0, isInside: true });
    await page.keyboard.press("Escape");
    await demo.seesNo("#chain[open]");
    expect(await layout()).toEqual(before);
    demo.isWell();
  });

  it("keeps a key history open while its card is redrawn", async ({ demo }) => {
    const { page } = demo;
    const summary = page.locator(`[data-user="${ALICE}"] .history summary`);
    await summary.focus();
    await page.keyboard.press("Enter");
    await demo.confirm();
    await expect.poll(() => demo.history(ALICE), eventually).toHaveLength(2);
    expect(await page.locator(`[data-user="${ALICE}"] .history[open]`).count()).toBe(1);
    demo.isWell();
  });
});
