import { copyFile, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The package as it ships, built from the sources into a folder of its own. */
export interface BuiltCommand {
  /** The script of the command. */
  readonly script: string;
  readonly remove: () => Promise<void>;
}

export async function buildCommand(): Promise<BuiltCommand> {
  const folder = await mkdtemp(join(tmpdir(), "command-"));
  const outDir = join(folder, "dist");
  await build({ root: ROOT, logLevel: "error", build: { outDir, sourcemap: false, reportCompressedSize: false } });
  await copyFile(join(ROOT, "package.json"), join(folder, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return { script: join(outDir, "cli.js"), remove: () => rm(folder, { recursive: true }) };
}
