import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import manifest from "./package.json" with { type: "json" };

/** The system's Chromium: nothing here downloads a browser. */
const chromium = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));
const chromiumFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));
/** Specs and the specs' applications use the sources under the package's own names. */
const alias = [
  { find: /^matrix-device-tracker$/, replacement: source("index.ts") },
  {
    find: /^matrix-device-tracker\/(browser|http|idb|level|olm-machine|rooms|tabs|testing)$/,
    replacement: source("$1/index.ts"),
  },
];

/** What is installed only for `npm run proof:native`. */
const nativeProof = process.env.PROOF_NATIVE === undefined ? ["spec/proofs/native/**"] : [];

const nodeSpecs: TestProjectConfiguration = {
  resolve: { alias },
  test: {
    name: "node",
    include: ["spec/**/*.spec.ts"],
    exclude: ["spec/**/*.browser.spec.ts", ...nativeProof],
    setupFiles: ["spec/support/one-seed.ts"],
    testTimeout: 20_000,
  },
};
const browserSpecs: TestProjectConfiguration = {
  resolve: { alias },
  optimizeDeps: {
    include: ["rxjs", "idb-keyval", "axios", "fast-check", "@noble/ed25519", "@noble/hashes/sha2.js"],
  },
  test: {
    name: "chromium",
    include: ["spec/**/*.browser.spec.ts"],
    testTimeout: 20_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { ...(chromium === undefined ? {} : { executablePath: chromium }), args: chromiumFlags },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
};
if (chromium === undefined && process.env.VITEST !== undefined) {
  const missing = "No Chromium found (set CHROMIUM to its path)";
  if (process.env.CI !== undefined) throw new Error(`${missing}: the browser suites cannot run.`);
  console.warn(`${missing}: the browser suites are SKIPPED.`);
}

/** What an application installs beside us, subpaths included; none of it is copied into dist. The command imports us by name. */
const packages = [manifest.name, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })].map(
  (name) => new RegExp(`^${name}(/|$)`, "u"),
);

export default defineConfig({
  build: {
    target: "es2022",
    minify: false,
    sourcemap: true,
    lib: {
      entry: {
        index: source("index.ts"),
        browser: source("browser/index.ts"),
        http: source("http/index.ts"),
        idb: source("idb/index.ts"),
        level: source("level/index.ts"),
        "olm-machine": source("olm-machine/index.ts"),
        rooms: source("rooms/index.ts"),
        tabs: source("tabs/index.ts"),
        testing: source("testing/index.ts"),
        cli: source("cli/main.ts"),
      },
      formats: ["es"],
    },
    rolldownOptions: { external: [...packages, /^node:/u] },
  },
  test: { projects: chromium === undefined ? [nodeSpecs] : [nodeSpecs, browserSpecs] },
});
