// Runs every suite and check, one after the other, even if some fail; the last line says how many passed and failed.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const out = fileURLToPath(new URL("./out/", import.meta.url));
const ACCEPTANCE = "../shared/acceptance/run";

const SECOND = 1000;
/** For all checks together. Each of them has a limit of its own, too. */
const DEADLINE = Date.now() + 18 * 60 * SECOND;

/** The result of each check: `{ name, passed, failed, seconds }`. */
const results = [];

/** Runs a command, prints its output and keeps it in .ci/out. After `limit` it is stopped, with its children. */
function run(name, [command, ...args], limit) {
  return new Promise((resolve) => {
    const log = createWriteStream(`${out}${name}.log`);
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, NO_COLOR: "1" },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
        log.write(chunk);
        process.stdout.write(chunk);
      });
    }
    const stop = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has already ended.
      }
    };
    const timers = [];
    const wait = Math.max(SECOND, Math.min(limit, DEADLINE - Date.now()));
    timers.push(
      setTimeout(() => (console.log(`stopped: not done within ${Math.round(wait / SECOND)} s`), stop("SIGTERM")), wait),
    );
    timers.push(setTimeout(() => stop("SIGKILL"), wait + 5 * SECOND));
    const end = (code) => {
      for (const timer of timers) clearTimeout(timer);
      log.end();
      resolve({ ok: code === 0, text });
    };
    child.on("error", (error) => (console.log(error.message), end(1)));
    child.on("close", end);
    // A process that it left behind may keep its output open.
    child.on("exit", (code) => timers.push(setTimeout(() => end(code), 5 * SECOND)));
  });
}

async function section(name, count) {
  console.log(`\n== ${name}`);
  const start = Date.now();
  const { passed, failed } = await count().catch((error) => (console.log(error), { passed: 0, failed: 1 }));
  const seconds = (Date.now() - start) / SECOND;
  results.push({ name, passed, failed, seconds });
  console.log(`-- ${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`);
}

/** A check that counts as one. */
const check = (name, command, limit = 120 * SECOND) =>
  section(name, async () => {
    const { ok } = await run(name, command, limit);
    return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  });

const readCounts = () => {
  try {
    return JSON.parse(readFileSync(`${out}tests.json`, "utf8"));
  } catch {
    return {};
  }
};

/** The specs: each test counts. A run that fails in another way, or a project that runs no test, counts as one failure. */
const specs = () =>
  section("tests", async () => {
    const { ok } = await run(
      "tests",
      ["npm", "test", "--", "--reporter=default", "--reporter=./.ci/count-reporter.mjs"],
      780 * SECOND,
    );
    const counts = readCounts();
    let passed = 0;
    let failed = 0;
    for (const project of new Set(["node", "chromium", ...Object.keys(counts)])) {
      const own = counts[project] ?? { passed: 0, failed: 0, skipped: 0 };
      console.log(`${project}: ${own.passed} passed, ${own.failed} failed, ${own.skipped} skipped`);
      passed += own.passed;
      failed += own.failed;
      if (own.passed + own.failed === 0) {
        console.log(`${project}: no test ran, which counts as a failure`);
        failed += 1;
      }
    }
    if (!ok && failed === 0) failed = 1;
    return { passed, failed };
  });

/** The acceptance checks, if they are there: a line each, `ok` or `FAIL`. */
const acceptance = () =>
  section("acceptance", async () => {
    if (!existsSync(new URL(`../${ACCEPTANCE}`, import.meta.url))) {
      console.log("there are no acceptance checks here");
      return { passed: 0, failed: 0 };
    }
    const { ok, text } = await run("acceptance", [ACCEPTANCE], 310 * SECOND);
    const passed = text.match(/^ok {3}/gmu)?.length ?? 0;
    const failed = text.match(/^FAIL /gmu)?.length ?? 0;
    return { passed, failed: failed === 0 && (!ok || passed === 0) ? 1 : failed };
  });

await check("format", ["npm", "run", "format"]);
await check("types", ["npm", "run", "types"]);
await check("lint", ["npm", "run", "lint"], 180 * SECOND);
await check("imports", ["npm", "run", "imports"]);
await check("unused", ["npm", "run", "unused"]);
await check("build", ["npm", "run", "build"]);
await check("size", ["npm", "run", "size"]);
await check("packaging", ["npm", "run", "packaging"]);
await check("package contents", ["node", ".ci/check-pack.mjs"]);
await check("package installed", ["node", ".ci/check-install.mjs"], 240 * SECOND);
await acceptance();
await specs();

const total = { passed: 0, failed: 0 };
console.log("\n== summary");
for (const { name, passed, failed, seconds } of results) {
  total.passed += passed;
  total.failed += failed;
  console.log(
    `${failed === 0 ? "ok  " : "FAIL"} ${name.padEnd(20)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${seconds.toFixed(1).padStart(7)} s`,
  );
}
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed`);
