import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashOf } from "./hash-of.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What the page is built from. The lock file stands for the installed packages. */
const SOURCES = ["src", "demo/page", "demo/serving/build-page.mjs", "package.json", "package-lock.json"];
const CACHE = join(root, "node_modules/.cache/demo");

/**
 * The page, built unless it was built from the same sources before, by this process or another.
 *
 * @param {() => void} [onBuild] called if it has to be built
 * @param {string} [cache] the folder in which it is kept
 * @returns {Promise<Record<string, string>>} the files by path
 */
export async function builtPage(onBuild, cache = CACHE) {
  const file = join(cache, `page-${hashOf(root, SOURCES)}.json`);
  const saved = read(file);
  if (saved !== undefined) return saved;
  onBuild?.();
  const { buildPage } = await import("./build-page.mjs"); // it loads Vite, which takes longer than all the rest
  const page = await buildPage();
  save(file, page);
  return page;
}

/** @param {string} file @returns {Record<string, string> | undefined} */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // there is none, or another process has just replaced it
  }
}

/**
 * Replaces the page that was kept. The file appears as a whole, since other processes may read it.
 *
 * @param {string} file
 * @param {Record<string, string>} page
 */
function save(file, page) {
  const cache = dirname(file);
  const unfinished = join(cache, `unfinished-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  writeFileSync(unfinished, JSON.stringify(page));
  for (const old of readdirSync(cache)) if (old.startsWith("page-")) rmSync(join(cache, old), { force: true });
  renameSync(unfinished, file);
}
