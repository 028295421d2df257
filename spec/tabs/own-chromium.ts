import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright";

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

export interface OwnChromium {
  readonly context: BrowserContext;
  /** As a crash of it, or of the machine's memory, would end it: nothing is told, nothing is put in order. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A Chromium whose tabs are as a user has them: all but one hidden, throttled, fit for freezing and for the back/forward cache.
 * In one that Playwright starts, every page takes itself for visible, and what is visible is never frozen.
 * @param kept the folder of a profile that outlives it; else it has one of its own
 */
export async function startChromium(executablePath: string, kept?: string): Promise<OwnChromium> {
  const profile = kept ?? (await mkdtemp(join(tmpdir(), "tabs-")));
  const child = spawn(
    executablePath,
    [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, address] = /DevTools listening on (ws:\S+)/u.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`Chromium did not start: ${said}`)));
  });
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true });
  const [context] = browser.contexts();
  if (context === undefined) throw new Error("Chromium has no context of its own");
  return {
    context,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    stop: async () => {
      const session = await browser.newBrowserCDPSession();
      await session.send("Browser.close").catch(() => undefined);
      await exited;
      if (kept === undefined) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
