import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * Returns the absolute path of a directory that may not exist yet, without symbolic links. Two names of one directory
 * must give the same path: LevelDB distinguishes a process's connections by path, and would open a second one to the
 * same files through a link, which damages them.
 */
export function realLocation(location: string): string {
  const path = resolve(location);
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realLocation(parent), basename(path));
  }
}
