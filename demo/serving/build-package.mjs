import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** The files that the package is built from, and the last file of the build. */
const SOURCES = ["src", "vite.config.ts", "package.json", "tsconfig.build.json"];
const LAST_OUTPUT = "dist/index.d.ts";

/** Builds the package if `dist` is missing or older than its sources. Silent unless that fails. */
export async function buildPackage() {
  const output = join(root, LAST_OUTPUT);
  const newest = Math.max(...SOURCES.map((source) => newestIn(join(root, source))));
  if (existsSync(output) && statSync(output).mtimeMs >= newest) return;
  const { status, stdout, stderr } = spawnSync("npm", ["run", "build"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0)
    throw new Error(`The package could not be built (npm run build):\n\n${stdout ?? ""}${stderr ?? ""}`);
}

/** @param {string} path @returns {number} the time at which the newest file there was written, in ms */
function newestIn(path) {
  const stats = statSync(path);
  return stats.isDirectory()
    ? Math.max(0, ...readdirSync(path).map((name) => newestIn(join(path, name))))
    : stats.mtimeMs;
}
