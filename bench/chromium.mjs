// Runs bench/page.mjs in Chromium, each row in a browser of its own.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { build } from "vite";
import { textsFrom } from "./answers.mjs";

const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** How much slower the processor is made: as a cheap phone is. */
const THROTTLED = 4;

/**
 * @param {readonly import("./answers.mjs").Account[]} accounts whom both sides are compared with
 * @param {readonly import("./answers.mjs").Account[]} crowd those of the homeserver, by the names that the page asks for
 * @returns the rows, what encrypted rooms cost, and the longest tasks in ms
 */
export async function inChromium(accounts, crowd, progress) {
  const answer = textsFrom(crowd);
  const folder = mkdtempSync(join(tmpdir(), "bench-page-"));
  await build({
    configFile: false,
    logLevel: "error",
    root: fileURLToPath(new URL(".", import.meta.url)),
    build: {
      outDir: folder,
      target: "esnext",
      assetsInlineLimit: 0,
      rolldownOptions: { input: fileURLToPath(new URL("page.html", import.meta.url)) },
    },
  });
  const server = createServer((request, response) => {
    const { url = "/" } = request;
    const path = normalize(new URL(url, "http://localhost").pathname);
    if (path === "/accounts.json") {
      response.end(JSON.stringify(accounts));
      return;
    }
    if (path === "/_matrix/client/v3/keys/query") {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => response.end(answer(Object.keys(JSON.parse(body).device_keys))));
      return;
    }
    const file = join(folder, path);
    response.writeHead(existsSync(file) ? 200 : 404, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
    });
    response.end(existsSync(file) ? readFileSync(file) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/page.html`;
  const [rows, tasks, figures] = [[], [], []];
  const inPage = async (use) => {
    const profile = mkdtempSync(join(tmpdir(), "bench-profile-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: FLAGS.split(" "),
    });
    try {
      const page = await context.newPage();
      await page.goto(url);
      return await use(page);
    } finally {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    }
  };
  try {
    for (const name of await inPage((page) => page.evaluate(() => globalThis.bench.rows))) {
      progress(`Chromium: ${name}`);
      rows.push({ name, ...(await inPage((page) => page.evaluate((row) => globalThis.bench.compare(row), name))) });
    }
    for (const name of await inPage((page) => page.evaluate(() => globalThis.bench.figures))) {
      progress(`Chromium: ${name}`);
      figures.push({ name, ours: await inPage((page) => page.evaluate((one) => globalThis.bench.measure(one), name)) });
    }
    for (const name of await inPage((page) => page.evaluate(() => globalThis.bench.tasks))) {
      progress(`Chromium: the longest task of ${name}`);
      const longest = (slowness) =>
        inPage(async (page) => {
          await page.evaluate((task) => globalThis.bench.prepare(task), name);
          const cdp = await page.context().newCDPSession(page);
          await cdp.send("Emulation.setCPUThrottlingRate", { rate: slowness });
          return page.evaluate((task) => globalThis.bench.longestTask(task), name);
        });
      tasks.push({ name, longest: await longest(1), throttled: await longest(THROTTLED) });
    }
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return { rows, tasks, figures };
}
