import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { NativeBinding } from "./native-binding.js";

/** The last build that has its binaries inside the npm package: newer ones download them from elsewhere. */
const PACKAGE = "@rocket.chat/forked-matrix-sdk-crypto-nodejs@0.1.0-beta.13";
const SHA512 = "wsJxeRtyLnv52nGG7r/zDg225op8XjmzE7R/PesPyi5A0KITngMO7yzfG6mu0Yi4PrXLU1uAGO4IWnrG98T0pQ==";
/** Loads the binary of this platform. */
const BINDING = "package/lib/napi-module.js";

const run = promisify(execFile);

/** Downloads the native engine into a temporary folder, and loads it. No script of the package is run. */
export async function installNativeEngine(): Promise<NativeBinding> {
  const folder = await mkdtemp(join(tmpdir(), "native-engine-"));
  try {
    const pack = ["pack", PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", folder];
    const { stdout } = await run("npm", pack, { cwd: folder });
    const archive = join(folder, stdout.trim());
    const sha512 = createHash("sha512")
      .update(await readFile(archive))
      .digest("base64");
    if (sha512 !== SHA512) throw new Error(`${PACKAGE} has another checksum than expected: sha512-${sha512}`);
    await run("tar", ["-xzf", archive, "-C", folder]);
    return createRequire(import.meta.url)(join(folder, BINDING)) as NativeBinding;
  } finally {
    await rm(folder, { recursive: true, force: true }); // what is loaded stays
  }
}
