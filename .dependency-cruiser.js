/**
 * Import direction, as in ARCHITECTURE.md, "Layers".
 *
 *   index.ts → device-tracker.ts → tracker → lookup → query → lists → sync → store → trust → keys → model
 *
 * That is the core: imports go down only. The adapters (ed25519, http, idb, level, olm-machine, rooms, tabs, testing) import the model and the ports
 * they implement. Of an adapter the core imports only the default implementation of a port, in one place.
 */
const LAYERS = ["tracker", "lookup", "query", "lists", "sync", "store", "trust", "keys", "model"];
const PORTS =
  "^src/(query/keys-api|store/device-store|sync/sync-extension|trust/signature-verifier|rooms/members-api)\\.ts$";
/** The default implementation of a port, and the only file of the core that imports it. */
const DEFAULT_VERIFIER = "^src/ed25519/platform-verifier\\.ts$";
const SESSION = "^src/tracker/session\\.ts$";
const CORE = `^src/(?:[^/]+\\.ts$|(?:${LAYERS.join("|")})/)`;
/** The subpaths of the package, and its command. */
const ENTRIES = ["^src/index\\.ts$", "^src/[^/]+/index\\.ts$", "^src/cli/main\\.ts$"];

/** `from` may import only itself and what `to` matches. Packages have rules of their own. */
const layer = (name, from, to, comment) => ({
  name: `layer-${name}`,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(?:src|spec|demo|bench|scripts)/", pathNot: [from, ...to] },
});

/** `from` may import only these packages, and of Node only these modules. */
const packages = (name, from, allowed, modules = []) => ({
  name: `packages-${name}`,
  comment: `${name} may import only these packages: ${allowed.join(", ") || "none"}`,
  severity: "error",
  from: { path: from },
  to: {
    dependencyTypesNot: ["local", "aliased", "unknown"],
    ...(allowed.length === 0
      ? {}
      : { pathNot: [`(?:^|/)node_modules/(?:${allowed.join("|")})/`, ...modules.map((module) => `^${module}$`)] }),
  },
});

/** Each layer of the core may import those below it. */
const layers = LAYERS.map((name, i) => {
  const below = LAYERS.slice(i + 1);
  const comment =
    below.length === 0 ? `${name} imports nothing.` : `${name} may import only what is below it: ${below.join(", ")}.`;
  return layer(
    name,
    `^src/${name}/`,
    [...below.map((lower) => `^src/${lower}/`), ...(i === 0 ? [DEFAULT_VERIFIER] : [])],
    comment,
  );
});

export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Cycles of types count as well: such files cannot be understood one by one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-folder-cycles",
      comment: "Between two folders imports go one way.",
      severity: "error",
      scope: "folder",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "Imported modules must exist.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-orphans",
      comment: "A file that neither imports nor is imported.",
      severity: "error",
      from: { orphan: true, pathNot: [...ENTRIES, "\\.spec\\.ts$", "^demo/", "^bench/"] },
      to: {},
    },
    {
      name: "ships",
      comment: "A file of src that no subpath of the package reaches: only specs use it, if anything does.",
      severity: "error",
      from: { path: ENTRIES },
      to: { path: "^src/", pathNot: ENTRIES, reachable: false },
    },

    ...layers,
    layer(
      "core",
      CORE,
      [DEFAULT_VERIFIER],
      "The core imports no adapter, except the default implementation of a port.",
    ),
    {
      name: "default-verifier",
      comment: "The default verifier is chosen in one place, and exported.",
      severity: "error",
      from: { path: CORE, pathNot: [SESSION, "^src/index\\.ts$"] },
      to: { path: DEFAULT_VERIFIER },
    },
    layer(
      "encoding",
      "^src/encoding/",
      ["^src/model/", "^src/keys/json\\.ts$"],
      "How stores encode records depends on what JSON is, and on nothing else.",
    ),
    layer("page", "^src/page/", ["^src/model/"], "What adapters know of the page imports the model only."),
    layer(
      "ed25519",
      "^src/ed25519/",
      ["^src/page/", PORTS, "^src/keys/(base64|strict-ed25519)\\.ts$"],
      "An adapter imports the page and the port that it implements; this one also how keys are encoded, and what strict means.",
    ),
    layer(
      "http",
      "^src/http/",
      ["^src/model/", "^src/page/", PORTS],
      "An adapter imports the model, the page and the port that it implements.",
    ),
    layer(
      "idb",
      "^src/idb/",
      ["^src/model/", "^src/encoding/", "^src/page/", PORTS, "^src/store/records\\.ts$"],
      "An adapter imports the model and the port that it implements; this one also the page and the records of a store.",
    ),
    layer(
      "level",
      "^src/level/",
      ["^src/model/", "^src/encoding/", PORTS, "^src/store/records\\.ts$"],
      "An adapter imports the model and the port that it implements; this one also the records of a store.",
    ),

    layer(
      "olm-machine",
      "^src/olm-machine/",
      ["^src/model/", "^src/lookup/(announcement|failure)-wait\\.ts$"],
      "It uses a tracker from outside: it imports the model, and how long to wait after a failure or an announcement.",
    ),
    layer(
      "rooms",
      "^src/rooms/",
      [
        "^src/model/",
        PORTS,
        "^src/trust/(complete-policy|is-verification-violated|left-out|recipient-policy|recipients)\\.ts$",
      ],
      "Rooms extend a tracker: they import the model, the port that they implement, and how recipients are selected.",
    ),
    layer(
      "tabs",
      "^src/tabs/",
      ["^src/model/", "^src/page/", PORTS],
      "An adapter imports the model, the page and the ports.",
    ),
    layer(
      "testing",
      "^src/testing/",
      ["^src/model/", PORTS, "^src/store/(memory-store|records)\\.ts$", "^src/rooms/wire\\.ts$"],
      "What applications test with imports the model, the ports, the memory store and the records of a store.",
    ),

    layer(
      "browser",
      "^src/browser/",
      ["^src/device-tracker\\.ts$", "^src/tracker/options\\.ts$", "^src/(http|idb|rooms|tabs|page|model)/", PORTS],
      "It composes a tracker and the adapters, as an application does.",
    ),

    layer(
      "cli",
      "^src/cli/",
      ["^src/(?:(?:http|level|rooms)/)?index\\.ts$"],
      "The command line uses the package by its name, as an application does.",
    ),

    packages("model", "^src/model/", []),
    packages("core", CORE, ["rxjs"]),
    packages("browser", "^src/browser/", ["rxjs", "axios"]),
    packages("ed25519", "^src/ed25519/", ["rxjs", "@noble/ed25519", "@noble/hashes"]),
    packages("http", "^src/http/", ["rxjs", "axios"]),
    packages("idb", "^src/idb/", ["rxjs", "idb-keyval"]),
    packages("encoding", "^src/encoding/", []),
    packages("cli", "^src/cli/", ["rxjs", "axios"], ["fs", "path", "url", "util"]),
    packages("level", "^src/level/", ["rxjs", "classic-level"], ["fs", "fs/promises", "path", "v8"]),
    packages("olm-machine", "^src/olm-machine/", ["rxjs"]),
    packages("page", "^src/page/", ["rxjs"]),
    packages("rooms", "^src/rooms/", ["rxjs"]),
    packages("tabs", "^src/tabs/", ["rxjs"]),
    packages("testing", "^src/testing/", ["rxjs"]),

    {
      name: "by-name",
      comment:
        "The demo, the examples and the benchmarks import the package by its name, as an application does, and nothing from specs.",
      severity: "error",
      from: { path: "^(?:demo|examples|bench)/" },
      to: { path: "^(?:src|spec)/", dependencyTypesNot: ["aliased"] },
    },
    {
      name: "specs-apart",
      comment: "What ships does not import specs, demo, benchmarks or scripts.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(?:spec|demo|bench|scripts)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: ["(?:^|/)dist/", "^docs/", "^\\.[^./]"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "default"] },
  },
};
