// What an application downloads: bundles the composition of the README from the sources, minified, with all it imports, and compresses it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const root = fileURLToPath(new URL("../", import.meta.url));

const CORE = `
  import { DeviceTracker } from "matrix-device-tracker";
  export const start = (options) => new DeviceTracker(options);
`;
const COMPOSITION = `
  import { DeviceTracker } from "matrix-device-tracker";
  import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
  import { idbStore } from "matrix-device-tracker/idb";
  export function start({ homeserverUrl, accessToken, userId }) {
    const http = matrixHttp({ homeserverUrl, accessToken });
    const store = idbStore("devices/" + userId);
    const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$: syncResponses(http, { since$: store.syncToken$ }) });
    tracker.connect();
    return tracker;
  }
`;

/** The minified bundle of one module. `packages` says which of the packages that we import are left out. */
async function bundle(code, packages = []) {
  const entry = "\0application";
  const { output } = await build({
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [{ name: "application", enforce: "pre", resolveId: (id) => (id === "application" ? entry : undefined), load: (id) => (id === entry ? code : undefined) }],
    resolve: {
      alias: [
        { find: /^matrix-device-tracker$/, replacement: join(root, "src/index.ts") },
        { find: /^matrix-device-tracker\/(\w+)$/, replacement: join(root, "src/$1/index.ts") },
      ],
    },
    build: { write: false, target: "es2022", minify: true, rolldownOptions: { input: "application", external: packages, preserveEntrySignatures: "strict" }, modulePreload: { polyfill: false } },
  });
  return output.map((chunk) => chunk.code ?? "").join("");
}

const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(11);
function row(what, bytes) {
  console.log(what.padEnd(52) + kB(bytes.length) + kB(gzipSync(bytes, { level: 9 }).length) + kB(brotli(bytes).length));
}

const OURS = [/^(rxjs|valibot|axios|idb-keyval)(\/|$)/];
console.log(`${"".padEnd(52)}${"minified".padStart(11)}${"gzip".padStart(11)}${"brotli".padStart(11)}`);
row("core, our own code", Buffer.from(await bundle(CORE, OURS)));
row("core, http and idb, our own code", Buffer.from(await bundle(COMPOSITION, OURS)));
row("core, with rxjs and valibot", Buffer.from(await bundle(CORE)));
row("core, http and idb, with all packages", Buffer.from(await bundle(COMPOSITION)));

// For comparison, where it is installed: the WebAssembly module that does this and all the rest of the cryptography.
const wasm = ["", "bench/"].map((place) => join(root, place, "node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg")).find((place) => existsSync(place));
if (wasm !== undefined) {
  for (const file of readdirSync(wasm).filter((name) => name.endsWith(".wasm"))) row(`@matrix-org/matrix-sdk-crypto-wasm, ${file}`.slice(0, 52), readFileSync(join(wasm, file)));
}
