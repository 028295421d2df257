import { copyFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The package as it ships, built from the sources into a folder of its own. */
export interface BuiltCommand {
  /** The script of the command. */
  readonly script: string;
  /** The same where only these packages are installed beside it. Returns its script. */
  readonly withPackages: (...names: readonly string[]) => Promise<string>;
  readonly remove: () => Promise<void>;
}

export async function buildCommand(): Promise<BuiltCommand> {
  const folder = await mkdtemp(join(tmpdir(), "command-"));
  const complete = join(folder, "complete");
  const outDir = join(complete, "dist");
  await build({ root: ROOT, logLevel: "error", build: { outDir, sourcemap: false, reportCompressedSize: false } });
  await copyFile(join(ROOT, "package.json"), join(complete, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(complete, "node_modules"));
  return {
    script: join(outDir, "cli.js"),
    withPackages: async (...names) => {
      const bare = join(folder, ["with", ...names].join("-"));
      await cp(outDir, join(bare, "dist"), { recursive: true });
      await copyFile(join(ROOT, "package.json"), join(bare, "package.json"));
      await mkdir(join(bare, "node_modules"));
      for (const name of names) await symlink(join(ROOT, "node_modules", name), join(bare, "node_modules", name));
      return join(bare, "dist", "cli.js");
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
