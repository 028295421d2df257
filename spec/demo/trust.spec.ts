import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);
if (!hasChromium && process.env.CI === undefined)
  console.warn(
    `No Chromium at ${executablePath} (set CHROMIUM to its path): the specs of trust in the demo are SKIPPED.`,
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
const eventually = { timeout: PATIENCE, interval: 50 };

const ALICE = "@alice:home.example";
const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const DAVE = "@dave:elsewhere.example";

let demo: Awaited<ReturnType<typeof startDemo>>;
let browser: Browser;

describe.skipIf(!hasChromium && process.env.CI === undefined)(
  "the demo shows that keys can be trusted",
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: FLAGS });
    }, BUILD_TIME);
    afterAll(() => browser?.close());

    let context: BrowserContext;
    let page: Page;
    let requests: string[];
    let complaints: string[];

    const open = async (): Promise<Page> => {
      const opened = await context.newPage();
      opened.on("request", (request) => requests.push(request.url()));
      opened.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      opened.on("pageerror", (error) => complaints.push(String(error)));
      await opened.goto(demo.url);
      for (const user of [BOB, CAROL, DAVE, ALICE])
        await sees(`[data-user="${user}"][data-standing="current"]`, opened);
      return opened;
    };
    beforeEach(async () => {
      demo = await startDemo({ latency: 100 }); // a world of its own, in which nobody has lied yet
      context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      context.setDefaultTimeout(PATIENCE);
      [requests, complaints] = [[], []];
      page = await open();
    }, BUILD_TIME);
    afterEach(async () => {
      await context.close();
      await demo.stop();
    });

    const sees = (selector: string, where = page) => where.locator(selector).first().waitFor({ state: "attached" });
    const seesNo = (selector: string, where = page) =>
      expect.poll(() => where.locator(selector).count(), eventually).toBe(0);
    const press = (experiment: string) => page.locator(`[data-experiment="${experiment}"]`).click();
    const queries = () => requests.filter((url) => url.includes("/keys/query")).length;
    /** Shields by device, in the order shown. */
    const shields = (user: string) =>
      page
        .locator(`[data-user="${user}"] [data-device]`)
        .evaluateAll((items) => items.map((item) => item.getAttribute("data-shield")));
    const seesShields = (user: string, ...expected: string[]) =>
      expect.poll(() => shields(user), eventually).toEqual(expected);
    const seesIdentity = (user: string, mark: string, where = page) =>
      sees(`[data-user="${user}"] [data-identity="${mark}"]`, where);
    /** IDs and whole ed25519 keys of somebody's devices. */
    const keysOf = (user: string) =>
      page
        .locator(`[data-user="${user}"] [data-device] > code`)
        .evaluateAll((items) => items.map((item) => item.getAttribute("title")));
    const changes = (user: string, where = page) =>
      where.locator(`[data-update="${user}"] [data-change]`).allTextContents();
    const told = () => page.locator("#transcript li").allTextContents();

    /** What holds for every visit, whatever the server said. */
    const allIsWell = () => {
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => new URL(url).origin !== new URL(demo.url).origin)).toEqual([]);
    };

    it("with a shield for each device, and for each person what is known of their identity", async () => {
      await seesShields(BOB, "cross-signed", "cross-signed");
      await seesShields(CAROL, "cross-signed");
      await seesShields(DAVE, "self-signed", "self-signed");
      for (const [user, mark] of [
        [BOB, "seen"],
        [CAROL, "verified"],
        [DAVE, "none"],
        [ALICE, "seen"],
      ] as const)
        await seesIdentity(user, mark);
      expect(await page.locator(`[data-user="${DAVE}"] [data-device]`).first().textContent()).toContain(
        "signed by itself only",
      );

      await press("add-device");
      await seesShields(BOB, "cross-signed", "cross-signed", "self-signed");
      await press("sign-devices");
      await seesShields(BOB, "cross-signed", "cross-signed", "cross-signed");
      expect(await changes(BOB)).toContain("Now signed by bob: Bob’s tablet.");

      await press("unsigned-device");
      await seesShields(BOB, "cross-signed", "cross-signed", "cross-signed", "unsigned");
      await page.locator('[data-experiment="unsigned-device"]', { hasText: "Take" }).click();
      await seesShields(BOB, "cross-signed", "cross-signed", "cross-signed");
      allIsWell();
    });

    it("by refusing other keys under a known ID: the device as it was is kept, also over a reload", async () => {
      const before = await keysOf(BOB);
      await press("swap-key");
      const refused = `[data-user="${BOB}"] [data-rejected][data-code="key-changed"][data-kept]`;
      await sees(refused);
      expect(await keysOf(BOB)).toEqual(before);
      await seesShields(BOB, "cross-signed", "cross-signed");
      expect(await page.locator(refused).textContent()).toMatch(
        /Bob’s phone.*another key than before.*The device as it was is kept/,
      );
      expect(await changes(BOB)).toContain(
        "Refused: Bob’s phone, because it has another key than before, and a device’s key never changes. The device as it was is kept.",
      );
      await expect
        .poll(() => page.locator("#narration").textContent(), eventually)
        .toContain("bob: Refused: Bob’s phone");

      await page.reload();
      await sees(refused);
      expect(await keysOf(BOB)).toEqual(before);
      await page.locator('[data-experiment="swap-key"]', { hasText: "true keys" }).click();
      await seesNo(`[data-user="${BOB}"] [data-rejected]`);
      expect(await keysOf(BOB)).toEqual(before);
      allIsWell();
    });

    it("by refusing a device whose signature is forged, and none of its owner's others", async () => {
      const before = await keysOf(BOB);
      await press("forge-signature");
      const refused = `[data-user="${BOB}"] [data-rejected][data-code="invalid-signature"]:not([data-kept])`;
      await sees(refused);
      expect(await page.locator(refused).textContent()).toMatch(/the signature does not hold\. It gets no messages/);
      expect(await keysOf(BOB)).toEqual(before);
      await page.locator('[data-experiment="forge-signature"]', { hasText: "back" }).click();
      await seesNo(`[data-user="${BOB}"] [data-rejected]`);
      allIsWell();
    });

    it("by attributing a key that two people claim to neither", async () => {
      await press("claim-key");
      for (const user of [BOB, CAROL]) await sees(`[data-user="${user}"] [data-contested]`);
      expect(await page.locator(`[data-user="${CAROL}"] [data-contested]`).textContent()).toBe(
        "Bob’s second phone claims the same key: a message from it is attributed to nobody.",
      );
      expect((await told()).filter((line) => line.includes("claim one key"))).toEqual([
        expect.stringMatching(
          /Carol’s phone and Bob’s second phone claim one key: a message from it is attributed to nobody/,
        ),
      ]);
      await page.locator('[data-experiment="claim-key"]', { hasText: "Drop" }).click();
      await seesNo("[data-contested]");
      allIsWell();
    });

    it("by marking a changed identity until a person acknowledges it, by keyboard and over reloads", async () => {
      await seesIdentity(CAROL, "verified");
      await press("reset-identity");
      await seesIdentity(CAROL, "changed");
      await seesShields(CAROL, "doubtful");
      expect(await changes(CAROL)).toContain("The identity has changed. Nobody has acknowledged that yet.");
      await page.reload();
      await seesIdentity(CAROL, "changed");

      const asked = queries();
      await page.getByRole("button", { name: "Acknowledge the new identity of carol" }).focus();
      await page.keyboard.press("Enter");
      await seesIdentity(CAROL, "seen"); // we have not compared the new one
      await seesShields(CAROL, "cross-signed");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("carol"); // the button is gone, its place is not
      await expect.poll(told, eventually).toContain("The new identity of carol is acknowledged.");
      expect(queries()).toBe(asked);

      await page.reload();
      await seesIdentity(CAROL, "seen");
      await seesShields(CAROL, "cross-signed");
      await press("reset-identity");
      await seesIdentity(CAROL, "changed"); // only that one was acknowledged
      allIsWell();
    });

    it("by reporting another identity of our own, and by taking nobody for verified meanwhile", async () => {
      await seesIdentity(CAROL, "verified");
      await press("own-identity");
      await seesIdentity(ALICE, "changed");
      await seesIdentity(CAROL, "seen");
      await sees("[data-problem]");
      expect(await page.locator("[data-problem]").allTextContents()).toEqual([
        expect.stringContaining("our own master key"),
      ]);
      await page.locator('[data-experiment="own-identity"]', { hasText: "again" }).click();
      await seesIdentity(CAROL, "verified");
      await seesIdentity(ALICE, "seen");
      allIsWell();
    });

    it("by telling each change once, and nothing where an answer is the same", async () => {
      expect(await changes(DAVE)).toEqual(["New: Dave’s phone and Dave’s laptop."]);
      await press("force");
      await sees('[data-query="2"][data-verdict="current"]');
      await press("add-device");
      await expect.poll(() => changes(BOB), eventually).toContain("New: Bob’s tablet.");
      await press("remove-device");
      await expect.poll(() => changes(BOB), eventually).toContain("Gone: Bob’s tablet.");
      expect((await changes(BOB)).filter((text) => !text.startsWith("Identity"))).toEqual([
        "Gone: Bob’s tablet.",
        "New: Bob’s tablet.",
        "New: Bob’s phone and Bob’s laptop.",
      ]);
      for (const [user, updates] of [
        [BOB, 3],
        [CAROL, 1],
        [DAVE, 1],
        [ALICE, 1],
      ] as const)
        expect(await page.locator(`[data-update="${user}"]`).count()).toBe(updates);
      allIsWell();
    });

    it("by saying who would get a message, and why the others would not", async () => {
      const counts = (devices: number, leftOut: number) =>
        sees(`#recipients [data-devices="${devices}"][data-left-out="${leftOut}"]`);
      const reasons = (user: string) =>
        page
          .locator(`#recipients [data-whose="${user}"]`)
          .evaluateAll((items) => items.map((item) => item.getAttribute("data-reason")));
      await counts(6, 0);
      await press("add-device");
      await counts(7, 0);
      await press("forge-signature");
      await counts(7, 1);
      expect(await reasons(BOB)).toEqual(["rejected"]);
      await page.getByLabel("only cross-signed").check();
      await counts(4, 4);
      expect(await reasons(BOB)).toEqual(["not-cross-signed", "rejected"]);
      expect(await reasons(DAVE)).toEqual(["not-cross-signed", "not-cross-signed"]);
      await press("reset-identity");
      await counts(3, 5);
      expect(await reasons(CAROL)).toEqual(["identity-changed"]);
      await page.locator(`[data-acknowledge="${CAROL}"]`).click();
      await counts(4, 4);
      await press("server");
      await sees(`#recipients [data-uncertain="1"]`);
      expect(await page.locator("#recipients .uncertain").textContent()).toContain("dave");
      allIsWell();
    });

    it("in every tab: what one was told, and what was acknowledged there, the others say, too", async () => {
      const other = await open();
      await press("forge-signature");
      await sees(`[data-update="${BOB}"][data-heard] [data-change="refused"]`, other);
      await sees(`[data-user="${BOB}"] [data-rejected]`, other);
      await press("reset-identity");
      for (const tab of [page, other]) await seesIdentity(CAROL, "changed", tab);
      await other.locator(`[data-acknowledge="${CAROL}"]`).click();
      for (const tab of [other, page]) await seesIdentity(CAROL, "seen", tab);
      await expect.poll(told, eventually).toContain("The new identity of carol is acknowledged, in another tab.");
      allIsWell();
    });

    it("without scrolling sideways, down to 320 px, with everything on show", async () => {
      for (const trick of [
        "swap-key",
        "forge-signature",
        "unsigned-device",
        "claim-key",
        "reset-identity",
        "own-identity",
      ])
        await press(trick);
      await seesIdentity(ALICE, "changed");
      await seesIdentity(CAROL, "changed");
      await sees(`[data-user="${CAROL}"] [data-contested]`);
      await page.getByLabel("only cross-signed").check();
      for (const width of [320, 390, 768, 1024, 1280, 1920]) {
        await page.setViewportSize({ width, height: 844 });
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
          `at ${width} px`,
        ).toBe(true);
      }
      allIsWell();
    });
  },
);
