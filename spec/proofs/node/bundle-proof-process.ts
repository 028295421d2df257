import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The script of the processes, bundled from the sources into a folder where Node finds the packages it imports. */
export async function bundleProofProcess(): Promise<{ readonly script: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "proof-process-"));
  await symlink(file("../../../node_modules"), join(folder, "node_modules"));
  await build({
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: [
        { find: /^matrix-device-tracker$/, replacement: file("../../../src/index.ts") },
        { find: /^matrix-device-tracker\/(http|level)$/, replacement: file("../../../src/$1/index.ts") },
      ],
    },
    build: {
      ssr: file("proof-process.ts"),
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: "proof-process.mjs" } },
    },
  });
  return { script: join(folder, "proof-process.mjs"), remove: () => rm(folder, { recursive: true }) };
}
