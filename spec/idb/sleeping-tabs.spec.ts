import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { CDPSession, Page } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeviceStore } from "../../src/store/device-store.js";
import { executablePath, isSkipped, warnIfSkipped } from "../support/installed-chromium.js";
import { type OwnChromium, startChromium } from "../tabs/own-chromium.js";

warnIfSkipped("the specs of sleeping tabs");

/** The store, bundled in memory from the sources. */
async function bundleStore(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL("../../src/idb/index.ts", import.meta.url)), formats: ["es"] },
    },
  });
  const [bundle] = Array.isArray(built) ? built : [];
  if (bundle === undefined) throw new Error("vite built something other than one bundle");
  return bundle.output[0].code;
}

const TAB = `<!doctype html>
<title>a tab</title>
<script type="module">
  import { idbStore } from "/idb.js";
  Object.assign(globalThis, { store: idbStore("devices"), announced: [], written: 0 });
  store.commits$.subscribe((announcement) => announced.push(announcement));
</script>`;

/** What a tab has in its global scope. */
interface TabGlobals {
  readonly store: DeviceStore;
  readonly announced: unknown[];
  written: number;
}

async function serve(script: string): Promise<Server> {
  const server = createServer(({ url }, response) => {
    if (url === "/idb.js") response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else
      response.writeHead(200, { "content-type": "text/html" }).end(url === "/tab" ? TAB : "<title>elsewhere</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const eventually = { timeout: 20_000, interval: 20 };

describe.skipIf(isSkipped)("idbStore in the tabs of a Chromium", { timeout: 60_000 }, () => {
  let browser: OwnChromium;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    [browser, server] = await Promise.all([startChromium(executablePath), bundleStore().then(serve)]);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }, 120_000);
  afterAll(async () => {
    await browser?.stop();
    server?.closeAllConnections();
    server?.close();
  });

  async function openTab(): Promise<{ page: Page; cdp: CDPSession }> {
    const page = await browser.context.newPage();
    await page.goto(`${url}tab`);
    await page.evaluate(
      () => new Promise((resolve) => (globalThis as unknown as TabGlobals).store.read([]).subscribe(resolve)),
    );
    return { page, cdp: await browser.context.newCDPSession(page) };
  }
  const announced = (page: Page) => page.evaluate(() => (globalThis as unknown as TabGlobals).announced);
  /** Writes this many records, which takes about 0.1 ms each, and announces that. */
  const startUpdate = (page: Page, records: number, announcement: string) =>
    page.evaluate(
      ([count, announce]) => {
        const tab = globalThis as unknown as TabGlobals;
        tab.store
          .update([], () => ({
            puts: Array.from({ length: count }, (_, i) => [["list", `${i}`], { i }]),
            deletes: [],
            result: undefined,
            announce,
          }))
          .subscribe(() => tab.written++);
      },
      [records, announcement] as const,
    );
  const written = (page: Page) => page.evaluate(() => (globalThis as unknown as TabGlobals).written);

  it("a tab frozen during an update does not block others, and finishes when it wakes", async () => {
    const [frozen, other] = [await openTab(), await openTab()];
    await startUpdate(frozen.page, 10_000, "from the frozen tab");
    await frozen.cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await startUpdate(other.page, 1, "from the other tab");
    await expect.poll(() => written(other.page), eventually).toBe(1);
    expect(await announced(other.page)).toEqual(["from the other tab"]);

    await frozen.cdp.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => written(frozen.page), eventually).toBe(1);
    await expect.poll(() => announced(other.page), eventually).toEqual(["from the other tab", "from the frozen tab"]);
    expect(await announced(frozen.page)).toEqual(["from the other tab", undefined, "from the frozen tab"]);
  });

  it("a tab in the back/forward cache is not evicted by announcements", async () => {
    const [cached, other] = [await openTab(), await openTab()];
    await cached.page.goto(`${url}elsewhere`);
    await startUpdate(other.page, 1, "missed");
    await expect.poll(() => announced(other.page), eventually).toEqual(["missed"]);
    await cached.page.evaluate(() => history.back());
    await expect.poll(() => announced(cached.page), eventually).toEqual([undefined]);
    await startUpdate(other.page, 1, "received");
    await expect.poll(() => announced(cached.page), eventually).toEqual([undefined, "received"]);
  });
});
