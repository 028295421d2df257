// The size of the download: bundles the composition of the README from the sources, minified, with everything it imports, and compresses it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const root = fileURLToPath(new URL("../", import.meta.url));

const CORE = `
  import { DeviceTracker } from "matrix-device-tracker";
  export const start = (options) => new DeviceTracker(options);
`;
const CORE_AND_IDB = `
  import { DeviceTracker } from "matrix-device-tracker";
  import { idbStore } from "matrix-device-tracker/idb";
  export const start = (options) => new DeviceTracker({ ...options, store: idbStore("devices") });
`;
const CORE_AND_RECIPIENTS = `
  import { DeviceTracker, recipients } from "matrix-device-tracker";
  export const start = (options) => [new DeviceTracker(options), recipients];
`;
const CORE_AND_ROOMS = `
  import { DeviceTracker, recipients } from "matrix-device-tracker";
  import { EncryptedRooms, planKeyShare } from "matrix-device-tracker/rooms";
  export const start = (options) => [new DeviceTracker(options), recipients, new EncryptedRooms(options), planKeyShare];
`;
const COMPOSITION = `
  import { DeviceTracker } from "matrix-device-tracker";
  import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
  import { idbStore } from "matrix-device-tracker/idb";
  import { inOneTab } from "matrix-device-tracker/tabs";
  export function start({ homeserverUrl, accessToken, userId }) {
    const http = matrixHttp({ homeserverUrl, accessToken });
    const store = idbStore("devices/" + userId);
    const sync$ = syncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab("sync/" + userId));
    const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });
    tracker.connect();
    return tracker;
  }
`;

/** The minified bundle of a module, without these packages. `lazily`: only what it imports lazily; otherwise without that. */
export async function bundle(code, packages = [], lazily = false) {
  const entry = "\0application";
  const { output } = await build({
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [
      {
        name: "application",
        enforce: "pre",
        resolveId: (id) => (id === "application" ? entry : undefined),
        load: (id) => (id === entry ? code : undefined),
      },
    ],
    resolve: {
      alias: [
        { find: /^matrix-device-tracker$/, replacement: join(root, "src/index.ts") },
        { find: /^matrix-device-tracker\/(\w+)$/, replacement: join(root, "src/$1/index.ts") },
      ],
    },
    build: {
      write: false,
      target: "es2022",
      minify: true,
      rolldownOptions: { input: "application", external: packages, preserveEntrySignatures: "strict" },
      modulePreload: { polyfill: false },
    },
  });
  return output
    .flatMap((chunk) => (chunk.type === "chunk" && chunk.isDynamicEntry === lazily ? [chunk.code] : []))
    .join("");
}

/** The module that includes all other cryptography, for comparison if it is installed: its WebAssembly and the JavaScript that loads it. */
const PEER = "@matrix-org/matrix-sdk-crypto-wasm";
const peerPath = join(root, "node_modules", PEER);
const peerWasm = () => readFileSync(join(peerPath, "pkg/matrix_sdk_crypto_wasm_bg.wasm"));
const peerScript = () =>
  bundle(
    `export { initAsync, OlmMachine, UserId, DeviceId, DeviceLists, RequestType } from ${JSON.stringify(join(peerPath, "index.mjs"))};`,
  );

const OURS = [/^(rxjs|axios|idb-keyval)(\/|$)/];
const WHOLE = "core, http, idb and tabs, with all packages";
const ROOMS = "in addition: rooms, our own code";
const LAZY = "in addition, on platforms without ed25519: @noble";

const gzip = (bytes) => gzipSync(bytes, { level: 9 });
const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
const compressed = (what, ...files) => {
  const sum = (size) => files.reduce((total, file) => total + size(Buffer.from(file)).length, 0);
  return { what, minified: sum((file) => file), gzip: sum(gzip), brotli: sum(brotli) };
};

/**
 * The sizes of our parts, and the peer's if it is installed.
 * @typedef {{ what: string, minified: number, gzip: number, brotli: number }} Size in bytes; each file is compressed separately, as a server does
 */
export async function sizes() {
  const whole = compressed(WHOLE, await bundle(COMPOSITION));
  const [without, withRooms] = [await bundle(CORE_AND_RECIPIENTS, OURS), await bundle(CORE_AND_ROOMS, OURS)].map(
    (code) => compressed("", code),
  );
  const rooms = Object.fromEntries(
    ["minified", "gzip", "brotli"].map((form) => [form, withRooms[form] - without[form]]),
  );
  return {
    parts: [
      compressed("core, our own code", await bundle(CORE, OURS)),
      compressed("core and idb, our own code", await bundle(CORE_AND_IDB, OURS)),
      compressed("core, http, idb and tabs, our own code", await bundle(COMPOSITION, OURS)),
      compressed("core, with rxjs", await bundle(CORE)),
    ],
    rooms: { what: ROOMS, ...rooms },
    lazy: compressed(LAZY, await bundle(COMPOSITION, [], true)),
    whole,
    peer: existsSync(peerPath) ? compressed(`${PEER}, wasm and glue`, peerWasm(), await peerScript()) : undefined,
  };
}

/** No more than this, in bytes of gzip: what is added has to be saved elsewhere. */
const BUDGET = { "core and idb, our own code": 57_500, [WHOLE]: 96_000, [ROOMS]: 7_500 };

if (argv[1] === fileURLToPath(import.meta.url)) {
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(11);
  const times = (theirs, ours) => `×${(theirs / ours).toFixed(1)}`.padStart(11);
  const { parts, rooms, lazy, whole, peer } = await sizes();
  console.log(`${"".padEnd(52)}${"minified".padStart(11)}${"gzip".padStart(11)}${"brotli".padStart(11)}`);
  const row = (what, ...cells) => console.log(what.padEnd(52) + cells.join(""));
  for (const { what, minified, gzip: zipped, brotli: best } of [...parts, whole, rooms, lazy, ...(peer ? [peer] : [])])
    row(what, kB(minified), kB(zipped), kB(best));
  for (const { what, gzip: zipped } of [...parts, whole, rooms]) {
    if (zipped <= (BUDGET[what] ?? Number.POSITIVE_INFINITY)) continue;
    console.error(`${what}: ${kB(zipped).trim()}, more than the budget of ${kB(BUDGET[what]).trim()}`);
    process.exitCode = 1;
  }
  if (peer)
    row(
      "  divided by ours with all packages",
      times(peer.minified, whole.minified),
      times(peer.gzip, whole.gzip),
      times(peer.brotli, whole.brotli),
    );
}
