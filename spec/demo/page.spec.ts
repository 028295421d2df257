import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);
if (!hasChromium && process.env.CI === undefined)
  console.warn(
    `No Chromium at ${executablePath} (set CHROMIUM to its path): the specs of the demo's page are SKIPPED.`,
  );
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The first run builds the package and the page. */
const BUILD_TIME = 180_000;
/** For what takes a query or two; a slow machine may be slow. */
const PATIENCE = 15_000;

const ALICE = "@alice:home.example";
const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const DAVE = "@dave:elsewhere.example";

let demo: Awaited<ReturnType<typeof startDemo>>;
let browser: Browser;

describe.skipIf(!hasChromium && process.env.CI === undefined)("the demo's page", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    [demo, browser] = await Promise.all([
      startDemo({ latency: 150 }),
      chromium.launch({ executablePath, args: FLAGS }),
    ]);
  }, BUILD_TIME);
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  let context: BrowserContext;
  let page: Page;
  let requests: string[];
  let complaints: string[];

  const open = async (options: BrowserContextOptions = {}) => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    page = await context.newPage();
    requests = [];
    complaints = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(demo.url);
    await standing(BOB, "current");
  };
  const sees = (selector: string) => page.locator(selector).first().waitFor({ state: "attached" });
  const standing = (user: string, wanted: string) => sees(`[data-user="${user}"][data-standing="${wanted}"]`);
  const press = (experiment: string) => page.locator(`[data-experiment="${experiment}"]`).click();
  const devicesOf = (user: string) =>
    page
      .locator(`[data-user="${user}"] [data-device]`)
      .evaluateAll((items) => items.map((item) => item.getAttribute("data-device")));
  const queries = () => requests.filter((url) => url.includes("/keys/query")).length;
  const noHorizontalScroll = () =>
    page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

  beforeEach(() => open());
  afterEach(() => context.close());

  /** What holds for every visit that did nothing wrong. */
  const allIsWell = () => {
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => new URL(url).origin !== new URL(demo.url).origin)).toEqual([]);
  };

  it("opens with everyone's devices and one query, under a policy that lets nothing else in", async () => {
    for (const user of [CAROL, DAVE, ALICE]) await standing(user, "current");
    expect(await devicesOf(BOB)).not.toHaveLength(0);
    expect(queries()).toBe(1);
    const policy = (await context.request.get(demo.url)).headers()["content-security-policy"];
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'/);
    allIsWell();
  });

  it("shows a new device, and lets it go with the log-out", async () => {
    const before = await devicesOf(BOB);
    await press("add-device");
    await sees(`[data-user="${BOB}"] li.new[data-device]`);
    await standing(BOB, "current");
    const added = (await devicesOf(BOB)).filter((id) => !before.includes(id));
    expect(added).toHaveLength(1);
    await sees('[data-step="changed"]');

    await press("remove-device");
    await sees(`[data-user="${BOB}"] [data-removed="${added[0]}"]`);
    expect(await devicesOf(BOB)).toEqual(before);
    allIsWell();
  });

  it("marks the query that a change overtook, asks anew, and ignores the late answer", async () => {
    const before = await devicesOf(BOB);
    await press("superseded");
    await sees(`[data-user="${BOB}"] li.new[data-device]`);
    await sees(`[data-bar="${BOB}"]:not([data-superseded])[data-verdict="current"]`);
    await sees(`[data-bar="${BOB}"][data-superseded][data-verdict="superseded"]`);
    const told = (await page.locator("#transcript li").allTextContents()).toReversed();
    const order = [
      /on its way for bob is superseded/,
      new RegExp(`bob: ${before.length + 1} devices, current`),
      new RegExp(`bob: ${before.length} devices?, superseded`),
    ].map((words) => told.findLastIndex((line) => words.test(line)));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(await devicesOf(BOB)).toHaveLength(before.length + 1);
    await standing(BOB, "current");
    allIsWell();
  });

  it("shows who left as untracked until they come back", async () => {
    await press("leave");
    await standing(CAROL, "untracked");
    await page.locator('[data-experiment="leave"]', { hasText: "comes back" }).click();
    await standing(CAROL, "current");
    allIsWell();
  });

  it("shows a server that is down as unreachable, with the last list", async () => {
    const before = await devicesOf(DAVE);
    await press("server");
    await standing(DAVE, "unreachable");
    expect(await devicesOf(DAVE)).toEqual(before);
    await sees(`[data-bar="${DAVE}"][data-verdict="unreachable"]`);
    await page.locator('[data-experiment="server"]', { hasText: "comes back" }).click();
    await standing(DAVE, "current");
    expect(await devicesOf(DAVE)).toHaveLength(before.length + 1);
    allIsWell();
  });

  it("answers from the cache with a tick and without a request; a forced download asks", async () => {
    for (const user of [CAROL, DAVE, ALICE]) await standing(user, "current");
    const asked = queries();
    await press("look-up");
    await expect.poll(() => page.locator("[data-hit]").count()).toBe(4);
    expect(queries()).toBe(asked);
    await press("force");
    await sees('[data-query="2"][data-verdict="current"]');
    expect(queries()).toBe(asked + 1);
    allIsWell();
  });

  it("shares one request between two callers", async () => {
    const asked = queries();
    await press("twice");
    await expect.poll(() => page.locator('[data-call="answered"]').count()).toBe(3); // and the first look-up
    expect(queries()).toBe(asked + 1);
    expect(await page.locator(`[data-bar="${BOB}"]`).count()).toBe(2);
    allIsWell();
  });

  it("cuts the bar of a query for which nobody waits any more", async () => {
    await press("slow");
    await sees(`[data-bar="${DAVE}"][data-end="open"]`);
    await page.locator('[data-experiment="slow"]', { hasText: "Unsubscribe" }).click();
    await sees(`[data-bar="${DAVE}"][data-end="aborted"]`);
    await sees('[data-call="unsubscribed"]');
    await page.locator('[data-experiment="slow"]', { hasText: "Start" }).waitFor();
    allIsWell();
  });

  it("keeps the lists over a reload, and asks nothing", async () => {
    for (const user of [CAROL, DAVE, ALICE]) await standing(user, "current");
    const before = await devicesOf(BOB);
    requests = [];
    await page.reload();
    await expect.poll(() => page.locator("[data-hit]").count()).toBe(4);
    expect(await devicesOf(BOB)).toEqual(before);
    expect(queries()).toBe(0);
    allIsWell();
  });

  it("works by keyboard: every button is reached, seen to be, and keeps the focus", async () => {
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
      expect(outlined, `focus on "${name}" can be seen`).toBe(true);
      reached.push(name);
    }
    expect(reached).toEqual(
      expect.arrayContaining([
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
      ]),
    );

    await page.locator('[data-experiment="leave"]').focus();
    await page.keyboard.press("Enter");
    await page.locator('[data-experiment="leave"]', { hasText: "comes back" }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-experiment"))).toBe("leave");
    await expect.poll(() => page.locator("#narration").textContent()).toContain("carol left");
    await page.keyboard.press("Space");
    await standing(CAROL, "current");
    allIsWell();
  });

  it("does not scroll sideways, down to 320 px", async () => {
    await press("add-device");
    await sees(`[data-user="${BOB}"] li.new[data-device]`);
    await page.locator(".connect summary").click();
    await page.locator(".reading summary").click();
    for (const width of [320, 390, 768, 1024, 1280, 1920]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await noHorizontalScroll(), `at ${width} px`).toBe(true);
    }
    await press("remove-device");
    await sees(`[data-user="${BOB}"] [data-removed]`);
    allIsWell();
  });

  it("flows while something is on its way, and only steps where less motion is wanted", async () => {
    /** How far the diagram's time moves within some frames in which nothing happens. */
    const moved = () =>
      page.evaluate(async () => {
        const now = () => document.querySelector(".now")?.getBoundingClientRect().left ?? 0;
        const width = () => Number(document.querySelector("#paper")?.getAttribute("width"));
        const before = [now(), width()];
        for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame);
        return Math.abs(now() - before[0]!) + Math.abs(width() - before[1]!);
      });
    await press("slow");
    await sees(`[data-bar="${DAVE}"][data-end="open"]`);
    expect(await moved()).toBeGreaterThan(0);
    await page.locator('[data-experiment="slow"]', { hasText: "Unsubscribe" }).click();
    await context.close();

    await open({ reducedMotion: "reduce" });
    await press("slow");
    await sees(`[data-bar="${DAVE}"][data-end="open"]`);
    expect(await moved()).toBe(0);
    await page.locator('[data-experiment="slow"]', { hasText: "Unsubscribe" }).click();
    await sees(`[data-bar="${DAVE}"][data-end="aborted"]`);
    allIsWell();
  });

  describe("with a homeserver whose address is typed", () => {
    const connect = async (token: string) => {
      await page.locator(".connect").evaluate((details: HTMLDetailsElement) => (details.open = true));
      await page.locator('[name="address"]').fill(demo.url);
      await page.locator('[name="token"]').fill(token);
      await page.locator('[name="users"]').fill(`${BOB} ${DAVE}`);
      await page.locator("#connect-submit").click();
    };

    it("refuses the token of a device that has keys, before anything is synced with it", async () => {
      requests = [];
      await connect("phone");
      await sees("[data-refused]");
      expect(await page.locator("[data-refused]").textContent()).toMatch(/another client uses it.*room keys/);
      expect(requests.some((url) => url.includes("/sync"))).toBe(false);
      await press("look-up"); // what ran before goes on
      await sees("[data-hit]");
      allIsWell();
    });

    it("says what is wrong with a token that the server does not know", async () => {
      await connect("nonsense");
      await sees("[data-refused]");
      expect(await page.locator("[data-refused]").textContent()).toContain("M_UNKNOWN_TOKEN");
    });

    it("follows whom one names, without the buttons for other people, and comes back", async () => {
      await connect("demo");
      await page.locator("#others").waitFor({ state: "hidden" });
      await standing(BOB, "current");
      expect(
        await page.locator("[data-user]").evaluateAll((cards) => cards.map((card) => card.getAttribute("data-user"))),
      ).toEqual([BOB, DAVE, ALICE]);
      await press("force");
      await sees('[data-call="answered"]');
      await page.locator("#go-back").click();
      await page.locator("#others").waitFor({ state: "visible" });
      await standing(CAROL, "current");
      allIsWell();
    });
  });
});
