import { fileURLToPath } from "node:url";
import { defineConfig, globalIgnores, includeIgnoreFile } from "eslint/config";
import rxjs from "eslint-plugin-rxjs-x";
import typescript from "typescript-eslint";
import { finnish } from "./scripts/eslint-finnish.mjs";

const TYPESCRIPT = ["**/*.ts", "**/*.mts"];
const JAVASCRIPT = ["**/*.js", "**/*.mjs"];
/** Everything else in src is the core. `src/testing` counts as core: what tests in virtual time must not use a clock. */
const ADAPTERS = [
  "src/browser/**",
  "src/cli/**",
  "src/ed25519/**",
  "src/http/**",
  "src/idb/**",
  "src/level/**",
  "src/olm-machine/**",
  "src/page/**",
  "src/tabs/**",
];

/** Forbidden everywhere. Each entry: a selector, and what to do instead. */
const everywhere = {
  TSEnumDeclaration: "No enums: a union of string literals needs no code and reads the same in JSON.",
};
/** Forbidden except in configuration files, which tools import by default. */
const defaultExports = {
  ExportDefaultDeclaration: "No default exports: searching for a name should find every use.",
};
const source = {
  "Program > VariableDeclaration[kind='let']": "No module state: two trackers on one page must not share anything.",
  "Program > ExportNamedDeclaration > VariableDeclaration[kind='let']":
    "No module state: two trackers on one page must not share anything.",
};
const notInBarrels = {
  ExportAllDeclaration: "Only the index.ts of a subpath re-exports, and name by name.",
  "ExportNamedDeclaration[source]": "Only the index.ts of a subpath re-exports: import from the file that defines it.",
};
/** Virtual time: every timer and every reading of the clock goes through the tracker's scheduler, and nothing awaits a promise. */
const virtualTime = {
  "TSTypeReference[typeName.name=/^Promise(Like)?$/]": "No promises in the core: ports return observables.",
  "CallExpression[callee.property.name='then']": "No promises in the core: ports return observables.",
  AwaitExpression: "No promises in the core: ports return observables.",
  "ForOfStatement[await=true]": "No promises in the core: ports return observables.",
  ":function[async=true]": "No promises in the core: ports return observables.",
  // Without a scheduler, RxJS uses the real clock.
  "CallExpression[callee.name=/^(interval|timestamp|timeInterval)$/][arguments.length=0]":
    "Pass the tracker's scheduler.",
  "CallExpression[callee.name=/^(timer|interval|delay|debounceTime|throttleTime|auditTime|sampleTime)$/][arguments.length=1]":
    "Pass the tracker's scheduler.",
  "CallExpression[callee.name=/^(bufferTime|windowTime)$/]":
    "Not used here. If you need it, pass the tracker's scheduler, and allow it in this configuration.",
  "CallExpression[callee.name='timeout'] > :not(ObjectExpression:has(> Property[key.name='scheduler'])).arguments:first-child":
    "Pass the tracker's scheduler: timeout({ …, scheduler }).",
  "CallExpression[callee.name=/^(retry|repeat)$/] > ObjectExpression > Property[key.name='delay'] > Literal":
    "A number waits by the real clock: use delay: () => timer(ms, scheduler).",
};
const realTime = [
  "Date",
  "Promise",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "requestAnimationFrame",
  "requestIdleCallback",
];

const restrict = (...groups) => [
  "error",
  ...Object.entries(Object.assign({}, ...groups)).map(([selector, message]) => ({ selector, message })),
];

export default defineConfig(
  includeIgnoreFile(fileURLToPath(new URL(".gitignore", import.meta.url))),
  globalIgnores(["**/recordings/**"]),

  {
    linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" },
    rules: {
      eqeqeq: "error",
      "no-restricted-syntax": restrict(everywhere, defaultExports),
      "no-self-compare": "error",
      "no-template-curly-in-string": "error",
      "no-unreachable-loop": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },

  // TypeScript: the strict sets, with type information.
  {
    files: TYPESCRIPT,
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // `() => subject.next(value)` is how callbacks are written. Using a void value is still an error.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Numbers in messages need no conversion.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `while (true)` is clear.
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      // An index signature names its key ([userId: UserId]), which Record cannot.
      "@typescript-eslint/consistent-indexed-object-style": "off",
      // The type of axios.create() is a class, its value is not: every use would be reported.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      // An empty function does nothing on purpose; a comment in it would not help.
      "@typescript-eslint/no-empty-function": "off",
    },
  },

  // What ships.
  {
    files: ["src/**/*.ts"],
    extends: [rxjs.configs.strict],
    plugins: { local: { rules: { finnish } } },
    rules: {
      "local/finnish": "error",
      // The only place to report an error of a caller's callback.
      "no-console": ["error", { allow: ["error"] }],
      "no-restricted-syntax": restrict(everywhere, defaultExports, source, notInBarrels),
      // Our own timers and subjects do not fail; if one does, RxJS reports it as unhandled.
      "rxjs-x/no-ignored-error": "off",
      // An error that is passed on may be `unknown`.
      "rxjs-x/throw-error": ["error", { allowThrowingAny: false, allowThrowingUnknown: true }],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ADAPTERS,
    rules: {
      "no-restricted-globals": [
        "error",
        {
          checkGlobalObject: true,
          globals: realTime.map((name) => ({
            name,
            message: "The core has no clock, timer or promise of its own: use the tracker's scheduler.",
          })),
        },
      ],
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "rxjs",
              importNames: [
                "firstValueFrom",
                "lastValueFrom",
                "asapScheduler",
                "animationFrameScheduler",
                "animationFrames",
              ],
              message: "The core has no clock, timer or promise of its own.",
            },
          ],
        },
      ],
      "no-restricted-syntax": restrict(everywhere, defaultExports, source, notInBarrels, virtualTime),
    },
  },
  {
    files: ["src/index.ts", "src/*/index.ts"],
    rules: {
      "no-restricted-syntax": restrict(everywhere, defaultExports, source, {
        ExportAllDeclaration: "Export name by name: this file decides what is public.",
      }),
    },
  },

  // Specs, demo, benchmarks: as strict about promises and types, without the rules for a library's API.
  {
    files: TYPESCRIPT,
    ignores: ["src/**"],
    extends: [rxjs.configs.recommended],
    rules: {
      // Specs write hostile data, and check for what the types rule out.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
      // An animation may end by a condition that ignores the value.
      "rxjs-x/no-ignored-takewhile-value": "off",
      // Specs may import the index.ts of a subpath: they test it.
      "rxjs-x/no-index": "off",
    },
  },
  {
    files: ["spec/**/*.ts"],
    rules: {
      "no-restricted-syntax": restrict(everywhere, defaultExports, {
        "CallExpression[callee.object.name=/^(describe|it|test|suite)$/][callee.property.name='only']":
          "Remove .only: all other tests would be skipped.",
      }),
    },
  },

  // JavaScript, without type information. The globals are those of Node, and a few of pages.
  {
    files: JAVASCRIPT,
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...Object.getOwnPropertyNames(globalThis),
          "document",
          "window",
          "location",
          "history",
          "indexedDB",
          "localStorage",
          "sessionStorage",
          "customElements",
        ].map((name) => [name, "readonly"]),
      ),
    },
    rules: {
      "constructor-super": "error",
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-redeclare": ["error", { builtinGlobals: false }],
      "no-this-before-super": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-rest-params": "error",
      "prefer-spread": "error",
    },
  },

  // Files that tools import by their default export.
  {
    files: ["*.js", "*.cjs", "*.ts", ".ci/**", "**/vite.config.*"],
    rules: { "no-restricted-syntax": restrict(everywhere) },
  },
);
