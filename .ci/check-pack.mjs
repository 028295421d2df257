// Checks that `npm pack` ships the built modules, their declarations, README, LICENSE and package.json, and nothing else.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const [{ files, size, unpackedSize }] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }),
);
const shipped = new Set(files.map(({ path }) => path));

const expected = [
  "package.json",
  "README.md",
  "LICENSE",
  ...Object.values(manifest.exports)
    .flatMap((target) => Object.values(target))
    .map((path) => path.replace(/^\.\//u, "")),
];
const missing = expected.filter((path) => !shipped.has(path));
const surplus = [...shipped].filter(
  (path) => !["package.json", "README.md", "LICENSE"].includes(path) && !/^dist\/.*(?:\.js|\.d\.ts)$/u.test(path),
);
const withSourceMap = [...shipped].filter(
  (path) =>
    path.endsWith(".js") &&
    readFileSync(new URL(`../${path}`, import.meta.url), "utf8").includes("//# sourceMappingURL="),
);

for (const path of missing) console.log(`missing: ${path}`);
for (const path of surplus) console.log(`should not ship: ${path}`);
for (const path of withSourceMap) console.log(`refers to a source map, which does not ship: ${path}`);
console.log(
  `${shipped.size} files, ${(size / 1000).toFixed(1)} kB packed, ${(unpackedSize / 1000).toFixed(1)} kB unpacked`,
);
process.exitCode = missing.length + surplus.length + withSourceMap.length === 0 ? 0 : 1;
