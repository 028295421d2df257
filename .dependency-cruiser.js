/**
 * Who may import whom: ARCHITECTURE.md, "Layers".
 *
 *   index.ts → device-tracker.ts → query → sync → store → keys → model     the core; imports go down only
 *   ed25519, http, idb, tabs, testing → model and the ports                the adapters; of the core, only the default implementation of a port is
 *                                                                          imported, and only by the files at the top
 */
const PORTS = "^src/(query/keys-api|store/device-store|keys/signature-verifier)\\.ts$";
/** The default implementation of a port, of which the core imports no more than this. */
const DEFAULTS = "^src/ed25519/platform-verifier\\.ts$";
const CORE = "^src/(?:[^/]+\\.ts$|(?:sync|query|keys|store|model)/)";
/** The subpaths of the package. */
const ENTRIES = ["^src/index\\.ts$", "^src/[^/]+/index\\.ts$"];

/** `from` may import only what `to` matches, itself included; packages have their own rules. */
const layer = (name, from, to, comment) => ({
  name: `layer-${name}`,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(?:src|spec|demo|bench|scripts)/", pathNot: [from, ...to] },
});

/** `from` may import only these packages, and none of Node's modules. */
const packages = (name, from, allowed) => ({
  name: `packages-${name}`,
  comment: `${name} imports no package but: ${allowed.join(", ") || "none"}`,
  severity: "error",
  from: { path: from },
  to: {
    dependencyTypesNot: ["local", "aliased", "unknown"],
    ...(allowed.length === 0 ? {} : { pathNot: `(?:^|/)node_modules/(?:${allowed.join("|")})/` }),
  },
});

export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Type-only cycles count too: the files cannot be understood one by one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-folder-cycles",
      comment: "Between two folders, imports go one way.",
      severity: "error",
      scope: "folder",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "What is imported must be there.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-orphans",
      comment: "A file that imports nothing and that nobody imports.",
      severity: "error",
      from: { orphan: true, pathNot: [...ENTRIES, "\\.spec\\.ts$", "^demo/", "^bench/"] },
      to: {},
    },
    {
      name: "ships",
      comment: "A file of src that no subpath of the package reaches: only specs use it, or nobody.",
      severity: "error",
      from: { path: ENTRIES },
      to: { path: "^src/", pathNot: ENTRIES, reachable: false },
    },

    layer("model", "^src/model/", [], "The model imports nothing."),
    layer("keys", "^src/keys/", ["^src/model/"], "What a device list must satisfy follows from the model only."),
    layer(
      "store",
      "^src/store/",
      ["^src/(?:keys|model)/"],
      "Down only: keys (a saved list is checked like an answer), model.",
    ),
    layer("sync", "^src/sync/", ["^src/(?:store|keys|model)/"], "Down only: store, keys, model."),
    layer(
      "query",
      "^src/query/",
      ["^src/(?:sync|store|keys|model)/"],
      "Down only: sync (who is tracked and outdated), store, keys, model.",
    ),
    layer(
      "core",
      CORE,
      [DEFAULTS],
      "Nothing of the core imports an adapter, but the default implementation of a port.",
    ),
    layer(
      "ed25519",
      "^src/ed25519/",
      [PORTS, "^src/keys/(base64|strict-ed25519)\\.ts$"],
      "An adapter knows the port it implements, and here how known bytes are written, and what is strict.",
    ),
    layer("http", "^src/http/", ["^src/model/", PORTS], "An adapter knows the model and the port it implements."),
    layer(
      "idb",
      "^src/idb/",
      ["^src/model/", PORTS, "^src/store/records\\.ts$"],
      "An adapter knows the model, its port and the records of the store.",
    ),
    layer("tabs", "^src/tabs/", ["^src/model/", PORTS], "An adapter knows the model and the port it implements."),
    layer(
      "testing",
      "^src/testing/",
      ["^src/model/", PORTS, "^src/store/memory-store\\.ts$"],
      "What applications test with knows the model, the ports and the memory store.",
    ),

    packages("model", "^src/model/", []),
    packages("core", CORE, ["rxjs", "valibot"]),
    packages("ed25519", "^src/ed25519/", ["rxjs", "@noble/ed25519", "@noble/hashes"]),
    packages("http", "^src/http/", ["rxjs", "axios"]),
    packages("idb", "^src/idb/", ["rxjs", "idb-keyval"]),
    packages("tabs", "^src/tabs/", ["rxjs"]),
    packages("testing", "^src/testing/", ["rxjs"]),

    {
      name: "by-name",
      comment:
        "The demo and the benchmarks import the package by its name, as an application does, and nothing of the specs.",
      severity: "error",
      from: { path: "^(?:demo|bench)/" },
      to: { path: "^(?:src|spec)/", dependencyTypesNot: ["aliased"] },
    },
    {
      name: "specs-apart",
      comment: "What ships knows nothing of specs, demo, benchmarks and scripts.",
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
