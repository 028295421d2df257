import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Returns the version of the package that contains this file, below `dist`. */
export function version(): string {
  const path = join(dirname(fileURLToPath(import.meta.url)), "../package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}
