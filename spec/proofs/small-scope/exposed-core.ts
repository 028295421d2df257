import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { build, type Plugin } from "vite";
import { exposeClosures } from "./expose-closures.js";
import type * as entry from "./exposed-entry.js";
import { noteCaptured } from "./heap-print.js";

/** The tracker and the RxJS under it, so compiled that everything they keep can be looked at. */
export type ExposedCore = typeof entry & {
  /** Errors that RxJS could hand to nobody since it was last called. */
  readonly takeUnhandled: () => readonly unknown[];
};

const root = fileURLToPath(new URL("../../../", import.meta.url));
const rxjs = `${root}node_modules/rxjs/dist/esm/index.js`;

/** How many values an operator has seen, which it gives to functions as their second argument; none of the core's takes one. */
const COUNTERS = ["index"];

function exposing(): Plugin {
  let sites = 0;
  return {
    name: "expose",
    enforce: "post",
    transform(code, id) {
      if (!id.startsWith(`${root}src/`) && !id.includes("/rxjs/")) return undefined; // what valibot makes is made once, and never changes
      return {
        code: exposeClosures(code, this.parse(code), () => ++sites, id.includes("/rxjs/") ? COUNTERS : []),
        map: null,
      };
    },
  };
}

/** Compiles the sources as they are on disk. */
export async function exposedCore(): Promise<ExposedCore> {
  const built = await build({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [exposing()],
    resolve: { alias: [{ find: /^rxjs$/, replacement: rxjs }] }, // as classes and arrow functions, not compiled down
    build: {
      write: false,
      minify: false,
      target: "esnext",
      lib: { entry: fileURLToPath(new URL("exposed-entry.ts", import.meta.url)), formats: ["iife"], name: "core" },
    },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (bundle === undefined || !("output" in bundle)) throw new Error("nothing was built");
  const script = new Script(`(function (__c, Math, setTimeout) { ${bundle.output[0].code}; return core; })`, {
    filename: "exposed-core.js",
  });
  const make = script.runInThisContext() as (...surroundings: readonly unknown[]) => typeof entry;
  const reports: (() => void)[] = [];
  // The core names a new store's life by chance, and RxJS reports what nobody handles from a timer.
  const core = make(noteCaptured, Object.create(Math, { random: { value: () => 0.5 } }), (report: () => void) =>
    reports.push(report),
  );
  const takeUnhandled = () =>
    reports.splice(0).map((report) => {
      try {
        report();
      } catch (error) {
        return error;
      }
      return undefined;
    });
  return { ...core, takeUnhandled };
}
