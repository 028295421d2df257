import { existsSync } from "node:fs";

export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether these proofs are skipped: only on a machine without Chromium, and never in CI. */
export const isSkipped = !existsSync(executablePath) && process.env.CI === undefined;
