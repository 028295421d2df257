// Installs the pinned dependencies where they are missing or other than the lock file says, so that one command is enough in a fresh clone.
// Runs before anything is installed: Node's own modules only.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old for the tools used here: install Node 20.19 or newer.`);
  process.exit(1);
}

/** Every package of a lock file, from its place in node_modules to what it is. */
function packages(lockFile) {
  return JSON.parse(readFileSync(new URL(lockFile, new URL("../", import.meta.url)), "utf8")).packages;
}

/** npm keeps a lock file of what it has really installed: compared by content, for the times of files mean nothing after a checkout. */
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
  const { status, error } = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error !== undefined) console.error(`npm could not be run: ${error.message}`);
  process.exit(status ?? 1);
}
