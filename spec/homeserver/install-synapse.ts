import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Debian has Synapse only in its unstable suite. */
const SUITE = "sid";
/** What debootstrap cannot do without, for a mirror with https, and the server itself. */
const FIRST_PACKAGES = "ca-certificates";
const PACKAGES = ["matrix-synapse"];
/** Present once the server is installed. */
const SERVER = "usr/lib/python3/dist-packages/synapse";
/** For the last lines of a command's output. */
const TAIL = 10;

/** The root of the file system that Synapse is installed in. Kept from run to run: installing takes a minute. */
const root = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "matrix-device-tracker", `synapse-${SUITE}`);

/**
 * Installs Debian's Synapse in a file system of its own, so that nothing of it reaches this machine's, and returns its
 * root. Fails with what is missing.
 */
export async function installSynapse(): Promise<string> {
  need(process.platform === "linux", "Linux: Synapse comes from Debian's packages");
  need(process.getuid?.() === 0, "root: Synapse is installed and started with chroot");
  if (existsSync(join(root, SERVER))) return root;

  need(has("apt-get"), "apt-get, which knows where this machine gets Debian's packages");
  const mirror = debianMirror();
  need(mirror !== undefined, "a mirror of Debian in the sources of apt");
  await needNetwork(mirror);
  console.log(`Installing Synapse in ${root}, which takes a minute …`);
  if (!has("debootstrap")) {
    await run("apt-get", "update", "-qq");
    await run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap");
  }
  // A file system that is complete has the final name. If the last attempt was interrupted, something is still mounted.
  const partial = `${root}.partial`;
  spawnSync("umount", [join(partial, "proc"), join(partial, "sys")]);
  await rm(partial, { recursive: true, force: true });
  await mkdir(dirname(root), { recursive: true });
  await run("debootstrap", "--variant=minbase", `--include=${FIRST_PACKAGES}`, SUITE, partial, mirror);
  await writeFile(join(partial, "etc/apt/apt.conf.d/90host"), aptSettings());
  // The package starts a service when it is installed, unless this policy forbids it.
  await writeFile(join(partial, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  await run("chroot", partial, "apt-get", "update", "-qq");
  await run("chroot", partial, "apt-get", "install", "-y", "-qq", "--no-install-recommends", ...PACKAGES);
  await run("chroot", partial, "apt-get", "clean");
  await rm(root, { recursive: true, force: true });
  await rename(partial, root);
  return root;
}

function need(isThere: boolean, what: string): asserts isThere {
  if (!isThere) throw new Error(`A real Synapse needs ${what}.`);
}

const has = (command: string): boolean => spawnSync("which", [command]).status === 0;

function debianMirror(): string | undefined {
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], {
    encoding: "utf8",
  });
  return stdout.split("\n").find((url) => /\/debian\/?$/u.test(url));
}

async function needNetwork(mirror: string): Promise<void> {
  const file = new URL(`dists/${SUITE}/Release`, mirror.replace(/\/?$/u, "/")).href;
  const problem = await fetch(file, { method: "HEAD" }).then(
    ({ ok, status }) => (ok ? undefined : `the status is ${status}`),
    (error: unknown) => String(error),
  );
  need(problem === undefined, `the network: ${file} cannot be fetched (${problem ?? ""})`);
}

/** A mirror may be a dated copy, whose signatures are older than apt accepts unless it is told otherwise. */
function aptSettings(): string {
  const names = ["Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::http::Proxy", "Acquire::https::Proxy"];
  return spawnSync("apt-config", ["dump", "--no-empty", "--format", '%f "%v";%n', ...names], { encoding: "utf8" })
    .stdout;
}

/** Runs a command, and fails with the end of its output if it does. */
async function run(command: string, ...args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LANG: "C.UTF-8" };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return;
  throw new Error(`${command} ${args.join(" ")} failed:\n${output.trimEnd().split("\n").slice(-TAIL).join("\n")}`);
}
