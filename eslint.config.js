import { fileURLToPath } from "node:url";
import { defineConfig, globalIgnores, includeIgnoreFile } from "eslint/config";
import rxjs from "eslint-plugin-rxjs-x";
import typescript from "typescript-eslint";
import { finnish } from "./scripts/eslint-finnish.mjs";

const TYPESCRIPT = ["**/*.ts", "**/*.mts"];
const JAVASCRIPT = ["**/*.js", "**/*.mjs"];
/** The core: all of src but the adapters. `src/testing` belongs to it, for what tests in virtual time must not use a clock either. */
const ADAPTERS = ["src/ed25519/**", "src/http/**", "src/idb/**", "src/tabs/**"];

/** Nowhere. Each entry: what is written, and what to do instead. */
const everywhere = {
  TSEnumDeclaration: "No enums: a union of string literals needs no code and reads the same in JSON.",
};
/** Nowhere but in configuration files, whose readers ask for a default export. */
const defaultExports = {
  ExportDefaultDeclaration: "No default exports: a name that is searched for should find every use.",
};
const source = {
  "Program > VariableDeclaration[kind='let']": "No module state: two trackers in one page must not meet.",
  "Program > ExportNamedDeclaration > VariableDeclaration[kind='let']":
    "No module state: two trackers in one page must not meet.",
};
const notInBarrels = {
  ExportAllDeclaration: "Only a subpath's index.ts exports what stands elsewhere, and name by name.",
  "ExportNamedDeclaration[source]":
    "Only a subpath's index.ts exports what stands elsewhere: import from the file that has it.",
};
/** P10: every timer and every reading of a clock goes through the tracker's scheduler, and nothing waits for a promise. */
const virtualTime = {
  "TSTypeReference[typeName.name=/^Promise(Like)?$/]": "No promises in the core: ports give observables.",
  "CallExpression[callee.property.name='then']": "No promises in the core: ports give observables.",
  AwaitExpression: "No promises in the core: ports give observables.",
  "ForOfStatement[await=true]": "No promises in the core: ports give observables.",
  ":function[async=true]": "No promises in the core: ports give observables.",
  // RxJS falls back to the real clock wherever it is not told the scheduler.
  "CallExpression[callee.name=/^(interval|timestamp|timeInterval)$/][arguments.length=0]":
    "Pass the tracker's scheduler.",
  "CallExpression[callee.name=/^(timer|interval|delay|debounceTime|throttleTime|auditTime|sampleTime)$/][arguments.length=1]":
    "Pass the tracker's scheduler.",
  "CallExpression[callee.name=/^(bufferTime|windowTime)$/]":
    "Not used here; where it is needed, pass the tracker's scheduler and allow it.",
  "CallExpression[callee.name='timeout'] > :not(ObjectExpression:has(> Property[key.name='scheduler'])).arguments:first-child":
    "Pass the tracker's scheduler: timeout({ …, scheduler }).",
  "CallExpression[callee.name=/^(retry|repeat)$/] > ObjectExpression > Property[key.name='delay'] > Literal":
    "A number waits by the real clock: delay: () => timer(ms, scheduler).",
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

  // TypeScript: the strict sets, by types.
  {
    files: TYPESCRIPT,
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // `() => subject.next(value)` is how one writes a callback; a void value that is put to use is still refused.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Numbers in messages are clear.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `while (true)` says what it does.
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      // An index signature names its key ([userId: UserId]), and a mapped type may say more than Record can.
      "@typescript-eslint/consistent-indexed-object-style": "off",
      // What axios.create() gives is typed as a class that it is no instance of: every use of it would be reported.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      // An empty function is a plain "do nothing"; nobody is helped by a comment in it.
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
      // An adapter whose callback throws has nobody else to tell.
      "no-console": ["error", { allow: ["error"] }],
      "no-restricted-syntax": restrict(everywhere, defaultExports, source, notInBarrels),
      // Our own timers and subjects do not fail: a handler for that would be dead code. Where one does fail, RxJS reports it unhandled, which is loud.
      "rxjs-x/no-ignored-error": "off",
      // The plugin's own word for `throwError(() => error)`: an error that is handed on may be `unknown`.
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
        ExportAllDeclaration: "Export name by name: what is public is decided here.",
      }),
    },
  },

  // Specs, demo, bench: as strict about promises and types, without what is there to keep a library tidy.
  {
    files: TYPESCRIPT,
    ignores: ["src/**"],
    extends: [rxjs.configs.recommended],
    rules: {
      // Specs write hostile data, ask for what "cannot" be there and poke at what is none of their business.
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
      // A page ends its animation by what it knows, not by the frame's time.
      "rxjs-x/no-ignored-takewhile-value": "off",
      // A spec imports what it tests, a subpath's index.ts included.
      "rxjs-x/no-index": "off",
    },
  },
  {
    files: ["spec/**/*.ts"],
    rules: {
      "no-restricted-syntax": restrict(everywhere, defaultExports, {
        "CallExpression[callee.object.name=/^(describe|it|test|suite)$/][callee.property.name='only']":
          "This would run nothing else.",
      }),
    },
  },

  // JavaScript: no types to go by. Node's own globals are asked of Node; pages have a few more.
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

  // Files whose readers ask for a default export.
  {
    files: ["*.js", "*.cjs", "*.ts", ".ci/**", "**/vite.config.*"],
    rules: { "no-restricted-syntax": restrict(everywhere) },
  },
);
