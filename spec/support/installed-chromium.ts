import { existsSync } from "node:fs";

/** The system's Chromium: nothing here downloads a browser. */
export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether specs that need it are skipped: only on a machine without Chromium, and never in CI. */
export const isSkipped = !existsSync(executablePath) && process.env.CI === undefined;

/** @param what does not run then, such as "log-outs in real tabs" */
export function warnIfSkipped(what: string): void {
  if (isSkipped) console.warn(`No Chromium at ${executablePath} (set CHROMIUM to its path): ${what} are SKIPPED.`);
}
