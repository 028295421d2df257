import { fileURLToPath } from "node:url";
import { build } from "vite";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The page's script, bundled in memory from the sources. */
export async function bundleProofPage(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: [
        { find: /^matrix-device-tracker$/, replacement: file("../../../src/index.ts") },
        { find: /^matrix-device-tracker\/(http|idb|tabs)$/, replacement: file("../../../src/$1/index.ts") },
      ],
    },
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: file("proof-page.ts"), output: { codeSplitting: false } },
    },
  });
  if (!("output" in built)) throw new Error("vite did not build a single bundle");
  return built.output[0].code;
}
