import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { changeAndSee, counts, listsIn, requestsTo, takeOverIn, textsOf, type Tab } from "./demo-tabs.js";
import { it } from "./tabs-test.js";
import { BOB } from "./users.js";

const freeze = ({ cdp }: Tab): Promise<unknown> => cdp.send("Page.setWebLifecycleState", { state: "frozen" });
const wake = ({ cdp }: Tab): Promise<unknown> => cdp.send("Page.setWebLifecycleState", { state: "active" });

/** Connects the page as another device of this user, which is another session. */
async function switchSession({ page }: Tab): Promise<void> {
  await page.bringToFront();
  await page.route("**/account/whoami", (route) =>
    route.fulfill({ json: { user_id: "@alice:home.example", device_id: "ANOTHER" } }),
  );
  await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
  await page.locator('[name="address"]').fill(new URL(page.url()).origin);
  await page.locator('[name="token"]').fill("demo");
  await page.locator('[name="users"]').fill(BOB);
  await page.locator("#connect-submit").click();
}

async function crash({ page, cdp }: Tab): Promise<void> {
  const crashed = page.waitForEvent("crash");
  cdp.send("Page.crash").catch(() => undefined); // it is never answered
  await crashed;
}

/** Ways in which the syncing tab can stop, and what the next one says. */
const DEPARTURES = [
  [
    "is closed",
    ({ page }: Tab) => page.close(),
    /^The syncing tab was closed or reloaded; this one took over after \d+ ms\.$/,
  ],
  ["switches", switchSession, /^The syncing tab switched to another homeserver; this one took over after \d+ ms\.$/],
  ["is frozen", freeze, /^The syncing tab was frozen by the browser; this one took over after \d+ ms\.$/],
  ["crashes", crash, /^The syncing tab stopped without notice \(it crashed or hangs\); this one took over\.$/],
] as const;

describe.skipIf(isSkipped)("take-overs in the demo", { timeout: 90_000 }, () => {
  it.for(DEPARTURES)(
    "another tab takes over, and says why, when the syncing tab %s",
    async ([, stop, sentence], { demo }) => {
      const [a, b, c] = await demo.openThree();
      await changeAndSee(b, a, c);
      await stop(a);
      demo.tabs = [b, c];
      const [next, other] = await demo.syncingFirst(b, c);
      await expect.poll(() => takeOverIn(next), eventually).toMatch(sentence);
      const said = (await takeOverIn(next))?.replace("this one", "another one");
      await expect.poll(() => takeOverIn(other), eventually).toBe(said);
      for (const tab of demo.tabs) {
        await counts(tab, 2);
        expect(await textsOf(tab, "#transcript li")).toContain(await takeOverIn(tab));
      }
      expect(requestsTo(other, "/sync")).toBe(0);
      await changeAndSee(other, next);

      await next.page.close();
      demo.tabs = [other];
      await demo.roles("this tab");
      await changeAndSee(other);
      expect(demo.complaints).toEqual([]);
      if (!a.page.isClosed()) await a.page.close();
    },
  );

  it("a tab that wakes up follows, with everything that it missed", async ({ demo }) => {
    const [a, b] = [await demo.open(), await demo.open()];
    await demo.roles("this tab", "another tab");
    await freeze(a);
    await counts(b, 1);
    await changeAndSee(b);
    await changeAndSee(b);
    await wake(a);
    await demo.roles("another tab", "this tab");
    for (const tab of [a, b]) await counts(tab, 2);
    await expect.poll(() => listsIn(a), eventually).toEqual(await listsIn(b));
    expect(await textsOf(a, "#transcript li")).toContain("This tab no longer syncs.");
    await changeAndSee(a, b);
    expect(demo.complaints).toEqual([]);
  });
});
