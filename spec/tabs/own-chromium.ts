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
  /** Whether it found an IndexedDB database of its own corrupted, and deleted it: its log says so, and no page can know. */
  readonly hasLostDatabase: boolean;
  /** Ends it as a crash would: without any event or clean-up. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Chromium whose tabs behave as they do for a user: all but one are hidden and throttled, and can be frozen
 * or enter the back/forward cache. If Playwright starts it, every page counts as visible and is never frozen.
 *
 * @param kept the folder of a profile to use and keep. By default a new one is made, and deleted afterwards.
 */
export async function startChromium(executablePath: string, kept?: string): Promise<OwnChromium> {
  const profile = kept ?? (await mkdtemp(join(tmpdir(), "tabs-")));
  const child = spawn(
    executablePath,
    [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let hasLostDatabase = false;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      hasLostDatabase ||= text.includes("recovering from a corrupted (and deleted) database");
      const [, address] = /DevTools listening on (ws:\S+)/u.exec(output) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`Chromium did not start: ${output}`)));
  });
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true });
  const [context] = browser.contexts();
  if (context === undefined) throw new Error("Chromium has no context of its own");
  return {
    context,
    get hasLostDatabase() {
      return hasLostDatabase;
    },
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
