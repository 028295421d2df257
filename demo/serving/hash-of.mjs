import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * A hash of the names and contents of files and folders. Modification times mean nothing after a checkout.
 *
 * @param {string} root
 * @param {readonly string[]} paths below the root
 */
export function hashOf(root, paths) {
  const hash = createHash("sha256");
  const add = (/** @type {string} */ path) => {
    const file = join(root, path);
    if (statSync(file).isDirectory()) for (const name of readdirSync(file).sort()) add(`${path}/${name}`);
    else hash.update(`${path}\0`).update(readFileSync(file)).update("\0");
  };
  for (const path of paths) add(path);
  return hash.digest("hex").slice(0, 16);
}
