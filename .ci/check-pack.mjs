// Checks that `npm pack` ships the built modules with source maps, their declarations, README, LICENSE and package.json, and nothing else.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const manifest = JSON.parse(read("package.json"));

const [{ files, size, unpackedSize }] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }),
);
const shipped = new Set(files.map(({ path }) => path));

const always = ["package.json", "README.md", "LICENSE"];
const exported = Object.values(manifest.exports)
  .flatMap((target) => (typeof target === "string" ? [target] : Object.values(target)))
  .map((path) => path.replace(/^\.\//u, ""));
const missing = [...always, ...exported].filter((path) => !shipped.has(path));
const surplus = [...shipped].filter(
  (path) => !always.includes(path) && !/^dist\/.*(?:\.js|\.js\.map|\.d\.ts)$/u.test(path),
);

/** An entry whose modules are all in chunks that it shares with others has no code of its own, and no map. */
const isReExport = (path) => /^(?:export \{[^}]*\} from "[^"]+";\s*)+$/u.test(read(path));

/** A debugger finds the sources in the map itself: `src` does not ship. */
const hasSources = (path) => {
  if (isReExport(path)) return true;
  const map = /\/\/# sourceMappingURL=(.+)$/mu.exec(read(path))?.[1];
  if (map === undefined || !shipped.has(`dist/${map}`)) return false;
  const { sources, sourcesContent = [] } = JSON.parse(read(`dist/${map}`));
  return sources.every((_, i) => typeof sourcesContent[i] === "string");
};
const withoutSources = [...shipped].filter((path) => path.endsWith(".js") && !hasSources(path));

for (const path of missing) console.log(`missing: ${path}`);
for (const path of surplus) console.log(`should not ship: ${path}`);
for (const path of withoutSources) console.log(`has no source map with its sources: ${path}`);
console.log(
  `${shipped.size} files, ${(size / 1000).toFixed(1)} kB packed, ${(unpackedSize / 1000).toFixed(1)} kB unpacked`,
);
process.exitCode = missing.length + surplus.length + withoutSources.length === 0 ? 0 : 1;
