import type { Page } from "playwright";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { changeAndSee, counts, labels, listsIn, press, requestsTo, sees, takeOverIn, textsOf } from "./demo-tabs.js";
import { it } from "./tabs-test.js";
import { ALL_USERS, BOB, CAROL, DAVE } from "./users.js";

describe.skipIf(isSkipped)("the demo in several tabs", { timeout: 90_000 }, () => {
  it("says in each tab which one syncs, and only that one polls the server", async ({ demo }) => {
    const a = await demo.open();
    await demo.roles("this tab");
    await counts(a, 1);
    const b = await demo.open();
    await demo.roles("this tab", "another tab");
    for (const tab of [a, b]) await counts(tab, 2);
    expect(await a.page.title()).toMatch(/^syncs/);
    expect(await b.page.title()).toMatch(/^follows/);
    await sees(a, '[data-shift="this tab"]');
    await sees(b, '[data-shift="another tab"]');
    expect(requestsTo(a, "/sync")).toBeGreaterThan(0);
    expect(requestsTo(b, "/sync")).toBe(0);
    expect(demo.complaints).toEqual([]);
  });

  it("shows the same lists in all tabs, whichever changes something", async ({ demo }) => {
    const [a, b, c] = await demo.openThree();
    for (const tab of [a, b, c]) await counts(tab, 3);
    await changeAndSee(a, b, c);
    await changeAndSee(c, a, b);
    expect(await textsOf(a, "#transcript li")).toContain("The server announces: bob changed.");
    expect(await textsOf(b, "#transcript li")).toContain("Announced to the syncing tab: bob changed.");
    await c.page.close();
    for (const tab of [a, b]) await counts(tab, 2);
    expect(await takeOverIn(a)).toBeUndefined(); // it did not sync
    expect(demo.complaints).toEqual([]);
  });

  it("opens another tab of the session by its button", async ({ demo }) => {
    const a = await demo.open();
    await a.page.bringToFront();
    const opened = demo.browser.context.waitForEvent("page");
    await a.page.locator("#open-tab").click();
    const b = await demo.observe(await opened);
    await sees(b, `[data-user="${BOB}"][data-standing="current"]`);
    await demo.roles("this tab", "another tab");
    await changeAndSee(b, a);
    expect(demo.complaints).toEqual([]);
  });

  it("finds in a following tab the lists that the syncing tab fetched", async ({ demo }) => {
    const [, b] = [await demo.open(), await demo.open()];
    await demo.roles("this tab", "another tab");
    await press(b, "look-up");
    // Four of them are from when the page opened.
    await expect.poll(() => b.page.locator("[data-hit]").count(), eventually).toBe(8);
    expect(requestsTo(b, "/keys/query")).toBe(0);
    expect(demo.complaints).toEqual([]);
  });

  it("lets a following tab do everything that the syncing tab can do", async ({ demo }) => {
    const [a, b] = [await demo.open(), await demo.open()];
    await demo.roles("this tab", "another tab");
    await press(b, "force");
    await sees(b, '[data-query="1"][data-verdict="current"]');
    await press(b, "superseded");
    await sees(b, `[data-bar="${BOB}"][data-superseded][data-verdict="superseded"]`);
    await press(b, "leave");
    for (const tab of [a, b]) await sees(tab, `[data-user="${CAROL}"][data-standing="untracked"]`);
    await labels(a, "leave", "Carol comes back");
    await press(a, "leave");
    await labels(b, "leave", "Carol leaves the room");
    await press(b, "server");
    for (const tab of [a, b]) await sees(tab, `[data-user="${DAVE}"][data-standing="unreachable"]`);
    await labels(a, "server", "Dave’s server comes back");
    await press(a, "server");
    for (const tab of [a, b])
      for (const user of ALL_USERS) await sees(tab, `[data-user="${user}"][data-standing="current"]`);
    expect(await listsIn(b)).toEqual(await listsIn(a));
    expect(requestsTo(b, "/sync")).toBe(0);
    expect(demo.complaints).toEqual([]);
  });

  it("reports once that there are no Web Locks, and syncs in each tab", async ({ demo }) => {
    const withoutLocks = (page: Page) => page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "locks"));
    const [a, b] = [await demo.open(withoutLocks), await demo.open(withoutLocks)];
    await demo.roles("each tab", "each tab");
    await changeAndSee(b, a);
    for (const tab of [a, b]) {
      expect(await textsOf(tab, "[data-problem]")).toEqual([expect.stringContaining("there are no Web Locks here")]);
      expect(requestsTo(tab, "/sync")).toBeGreaterThan(0);
    }
    expect(demo.complaints).toEqual([]);
  });
});
