import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { it } from "./demo-test.js";
import { BOB, CAROL, DAVE } from "./users.js";

describe.skipIf(isSkipped)("the demo's page", { timeout: 60_000 }, () => {
  it("opens with one query, under a policy that allows nothing else", async ({ demo }) => {
    expect(await demo.devices(BOB)).not.toHaveLength(0);
    expect(demo.queries).toBe(1);
    expect(await demo.page.locator("[data-superseded]").count()).toBe(0); // no change came after it
    const policy = (await demo.context.request.get(demo.url)).headers()["content-security-policy"];
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'/);
    demo.isWell();
  });

  it("shows a new device, and removes it after the log-out", async ({ demo }) => {
    const before = await demo.devices(BOB);
    await demo.press("add-device");
    await demo.sees(`[data-user="${BOB}"] li.new[data-device]`);
    await demo.standing(BOB, "current");
    const added = (await demo.devices(BOB)).filter((id) => !before.includes(id));
    expect(added).toHaveLength(1);
    await demo.sees('[data-step="changed"]');

    await demo.press("remove-device");
    await demo.sees(`[data-user="${BOB}"] [data-removed="${added[0]}"]`);
    expect(await demo.devices(BOB)).toEqual(before);
    demo.isWell();
  });

  it("marks a superseded query, queries again, and drops the late answer", async ({ demo }) => {
    const before = await demo.devices(BOB);
    await demo.press("superseded");
    await demo.sees(`[data-user="${BOB}"] li.new[data-device]`);
    await demo.sees(`[data-bar="${BOB}"]:not([data-superseded])[data-verdict="current"]`);
    await demo.sees(`[data-bar="${BOB}"][data-superseded][data-verdict="superseded"]`);
    const sentences = (await demo.transcript()).toReversed();
    const order = [
      /query in flight for bob is superseded/,
      new RegExp(`bob: ${before.length + 1} devices, current`),
      /late answer for bob is superseded/,
    ].map((words) => sentences.findLastIndex((line) => words.test(line)));
    expect(order).not.toContain(-1);
    await expect
      .poll(() => demo.page.locator("#narration").textContent(), eventually)
      .toBe(
        `The late answer for bob is superseded, so it is not cached: the newer list with ${before.length + 1} devices stays.`,
      );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(await demo.devices(BOB)).toHaveLength(before.length + 1);
    await demo.standing(BOB, "current");
    demo.isWell();
  });

  it("shows a user who left as untracked until they come back", async ({ demo }) => {
    await demo.press("leave");
    await demo.standing(CAROL, "untracked");
    await demo.pressAgain("leave", "comes back");
    await demo.standing(CAROL, "current");
    demo.isWell();
  });

  it("shows a user whose server is down as unreachable, with the last list", async ({ demo }) => {
    const before = await demo.devices(DAVE);
    await demo.press("server");
    await demo.standing(DAVE, "unreachable");
    await demo.sees(`[data-label="${DAVE}"][data-standing="unreachable"]`);
    expect(await demo.page.locator(`[data-label="${DAVE}"] .chip`).textContent()).toBe("unreachable");
    expect(await demo.devices(DAVE)).toEqual(before);
    await demo.sees(`[data-bar="${DAVE}"][data-verdict="unreachable"]`);
    await demo.press("look-up"); // the server is remembered: an answer at once, and a query in the background
    await expect
      .poll(() => demo.page.locator(`[data-bar="${DAVE}"][data-verdict="unreachable"]`).count(), eventually)
      .toBe(2);
    await demo.pressAgain("server", "comes back");
    await demo.standing(DAVE, "current");
    expect(await demo.devices(DAVE)).toHaveLength(before.length + 1);
    expect(await demo.attributes(`[data-bar="${DAVE}"]`, "data-verdict")).toEqual([
      "current",
      "unreachable",
      "unreachable",
      "current",
    ]);
    await expect
      .poll(() => demo.page.locator("#narration").textContent(), eventually)
      .toContain(`The query in the background was answered. dave: ${before.length + 1} devices, current.`);
    demo.isWell();
  });

  it("marks answers from the cache with a tick; a forced download queries", async ({ demo }) => {
    const { queries } = demo;
    await demo.press("look-up");
    await expect.poll(() => demo.page.locator("[data-hit]").count(), eventually).toBe(4);
    expect(demo.queries).toBe(queries);
    await demo.press("force");
    await demo.sees('[data-query="2"][data-verdict="current"]');
    expect(demo.queries).toBe(queries + 1);
    demo.isWell();
  });

  it("shows two callers that share one request", async ({ demo }) => {
    const { queries } = demo;
    await demo.press("twice");
    // With the lookup when the page opened, they are three.
    await expect.poll(() => demo.page.locator('[data-call="answered"]').count(), eventually).toBe(3);
    expect(demo.queries).toBe(queries + 1);
    expect(await demo.page.locator(`[data-bar="${BOB}"]`).count()).toBe(2);
    demo.isWell();
  });

  it("cuts off the bar of a query when its last caller unsubscribes", async ({ demo }) => {
    await demo.press("slow");
    await demo.sees(`[data-bar="${DAVE}"][data-end="open"]`);
    await demo.pressAgain("slow", "Unsubscribe");
    await demo.sees(`[data-bar="${DAVE}"][data-end="aborted"]`);
    await demo.sees('[data-call="unsubscribed"]');
    await demo.page.locator('[data-experiment="slow"]', { hasText: "Start" }).waitFor();
    demo.isWell();
  });

  it("keeps the lists over a reload, without a query", async ({ demo }) => {
    const before = await demo.devices(BOB);
    const { queries } = demo;
    await demo.page.reload();
    await expect.poll(() => demo.page.locator("[data-hit]").count(), eventually).toBe(4);
    expect(await demo.devices(BOB)).toEqual(before);
    expect(demo.queries).toBe(queries);
    demo.isWell();
  });
});
