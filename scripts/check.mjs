// What a developer wants between two edits: types, lint of the files that changed, and the unit specs of the core.
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const CORE = ["keys", "model", "trust", "store", "sync", "lists", "query", "lookup", "tracker", "page", "contracts"];
/** Explores every state of a small scope, which takes longer than all others together. */
const SLOW = "spec/store/chain-states.spec.ts";

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\n");
const changed = [
  ...git("diff", "--name-only", "--diff-filter=d", "HEAD"),
  ...git("ls-files", "--others", "--exclude-standard"),
].filter((file) => /\.(?:ts|mts|js|mjs)$/u.test(file));

const commands = {
  types: ["tsc", "-p", "tsconfig.json", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/check.tsbuildinfo"],
  specs: [
    ...["vitest", "run", "--project", "node", "--no-isolate", "--reporter", "dot", "--exclude", SLOW],
    ...CORE.map((folder) => `spec/${folder}/`),
  ],
  ...(changed.length > 0 && { lint: ["eslint", "--max-warnings", "0", ...changed] }),
};

/** Runs a command, and prints its output if it fails. */
function run(name, [command, ...args]) {
  const start = Date.now();
  return new Promise((resolve) => {
    const child = spawn(`node_modules/.bin/${command}`, args, { cwd: root, env: { ...process.env, FORCE_COLOR: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => {
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      console.log(code === 0 ? `-- ${name}: ok, ${seconds} s` : `${output}\n-- ${name}: failed, ${seconds} s`);
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(Object.entries(commands).map(([name, command]) => run(name, command)));
process.exitCode = results.every(Boolean) ? 0 : 1;
