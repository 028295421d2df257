// Installs the pinned dependencies if they are missing or do not match the lock file, so that one command is enough in a fresh clone.
// It runs before anything is installed, so it uses only Node's own modules.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old for the tools used here: install Node 20.19 or newer.`);
  process.exit(1);
}

/** The packages of a lock file, by their place in node_modules. */
function packages(lockFile) {
  return JSON.parse(readFileSync(new URL(lockFile, new URL("../", import.meta.url)), "utf8")).packages;
}

/** npm keeps a lock file of what it has installed. Compared by content: modification times mean nothing after a checkout. */
function isInstalled() {
  let installed;
  try {
    installed = packages("node_modules/.package-lock.json");
  } catch {
    return false;
  }
  return Object.entries(packages("package-lock.json")).every(([place, { version, optional }]) => {
    const present = installed[place];
    return place === "" || (present === undefined ? optional === true : present.version === version);
  });
}

if (!isInstalled()) {
  console.log("Installing dependencies (npm ci) …");
  // Without scripts: only this package has one, `prepare`, which may have started this.
  const { status, error } = spawnSync("npm", ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error !== undefined) console.error(`npm could not be run: ${error.message}`);
  process.exit(status ?? 1);
}
