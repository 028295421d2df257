// Packs a fresh checkout, installs the tarball in an empty application, and uses it there: in Node, bundled, without axios and with it.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import manifest from "../package.json" with { type: "json" };

const root = fileURLToPath(new URL("../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "install-"));
const app = join(scratch, "app");
const failures = [];

function check(what, passed, details = "") {
  console.log(`${passed ? "ok  " : "FAIL"} ${what}`);
  if (!passed) {
    failures.push(what);
    console.log(details);
  }
  return passed;
}

/** Runs a command in a folder. */
function run(cwd, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return { ok: status === 0, output: `${stdout}${stderr}`, stdout };
}

/** The files under version control, as they are now: what `git clone` would bring. `npm ci` is left out, which takes longer than all the rest. */
function checkout(folder) {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--deduplicate"], { cwd: root, encoding: "utf8" });
  const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of files.split("\0").filter((path) => path !== "" && !deleted.includes(path))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(root, file), join(folder, file));
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

const install = (...packages) => run(app, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...packages);

const write = (name, code) => writeFileSync(join(app, name), code);

/** Bundles a module of the application. Resolves to what is wrong: `undefined` if nothing is. */
async function bundle(name) {
  try {
    await build({
      root: app,
      configFile: false,
      logLevel: "silent",
      build: {
        outDir: "bundled",
        target: "es2022",
        rolldownOptions: { input: name, output: { entryFileNames: name } },
      },
    });
  } catch (error) {
    return error.message;
  }
}

const entries = Object.keys(manifest.exports).filter((name) => !name.endsWith(".json"));
const specifier = (entry) => `${manifest.name}${entry.slice(1)}`;
const importAll = (some) =>
  some.map((entry, i) => `import * as e${i} from "${specifier(entry)}"; console.log(Object.keys(e${i}).length);`);

/** Whether the package could be installed: without that, there is nothing to check. */
function isInstalled() {
  const clone = join(scratch, "clone");
  checkout(clone);
  const packed = run(clone, "npm", "pack", "--json");
  if (!check("npm pack in a fresh checkout builds the package", packed.ok, packed.output)) return false;

  mkdirSync(app);
  write("package.json", '{ "name": "app", "private": true, "type": "module" }');
  const installed = install(join(clone, `${manifest.name}-${manifest.version}.tgz`));
  return check("the tarball can be installed", installed.ok, installed.output);
}

async function checkApplication() {
  const forPages = entries.filter((entry) => entry !== "./level"); // which has a native part
  write("core.js", importAll(forPages.filter((entry) => !["./browser", "./http"].includes(entry))).join("\n"));
  write("all.js", importAll(forPages).join("\n"));
  write("node.js", importAll(entries).join("\n"));

  const core = run(app, "node", "core.js");
  check("Node imports all entries but ./browser, ./http and ./level without axios", core.ok, core.output);
  const problem = await bundle("core.js");
  check("vite bundles them without axios", problem === undefined, problem);

  await bundle("all.js");
  const unresolved = run(app, "node", "bundled/all.js");
  const named =
    !unresolved.ok && /Could not resolve "axios" imported by "matrix-device-tracker"/u.test(unresolved.output);
  check("a bundle with ./http says that axios is missing", named, unresolved.output);

  const command = (...args) => run(app, "node_modules/.bin/matrix-device-tracker", ...args);
  const version = command("--version");
  check("the command prints its version without axios", version.stdout.trim() === manifest.version, version.output);

  const { axios } = manifest.devDependencies;
  const withAxios = install(`axios@${axios}`);
  check("axios can be installed beside it", withAxios.ok, withAxios.output);
  const level = install(`classic-level@${manifest.devDependencies["classic-level"]}`);
  check("classic-level can be installed beside it", level.ok, level.output);
  const all = run(app, "node", "node.js");
  check("Node imports all entries", all.ok, all.output);
  const bundled = (await bundle("all.js")) ?? run(app, "node", "bundled/all.js");
  check("vite bundles all entries for pages", bundled.ok === true, bundled.output ?? bundled);

  write("types.ts", importAll(entries).join("\n"));
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
  const types = run(app, "node", join(root, "node_modules/typescript/bin/tsc"), ...options, "types.ts");
  check("TypeScript reads the declarations, libraries included", types.ok, types.output);

  const json = run(app, "node", "-p", `require("${manifest.name}/package.json").version`);
  check("package.json can be imported", json.stdout.trim() === manifest.version, json.output);
}

try {
  if (isInstalled()) await checkApplication();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = failures.length === 0 ? 0 : 1;
