import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright";

export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether these specs are skipped: only on a machine without Chromium, and never in CI. */
export const isSkipped = !existsSync(executablePath) && process.env.CI === undefined;
if (isSkipped)
  console.warn(
    `No Chromium at ${executablePath} (set CHROMIUM to its path): the specs of the demo's page are SKIPPED.`,
  );

/** For something that takes a query or two, in ms; a slow machine may be slow. */
export const PATIENCE = 20_000;
export const eventually = { timeout: PATIENCE, interval: 50 };

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

export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS });
