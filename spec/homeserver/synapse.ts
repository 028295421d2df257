import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installSynapse } from "./install-synapse.js";
import { logConfig, serverNameOf, signingKey, synapseConfig } from "./synapse-config.js";

/** `nobody` and `nogroup`, in Debian and in the file system of Synapse. */
const NOBODY = 65_534;
/** How long a server may take to start and to stop, in ms. */
const START_DEADLINE = 60_000;
const STOP_DEADLINE = 10_000;

/** A real Synapse on the loopback interface, with a database of its own. */
export class Synapse {
  readonly url: string;
  readonly serverName: string;
  readonly #root: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(root: string, folder: string, clientPort: number, federationPort: number) {
    this.#root = root;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${clientPort}`;
    this.serverName = serverNameOf(federationPort);
  }

  /** Starts this many servers, which federate with each other. */
  static async startAll(count: number, { tokenLifetime = 300 } = {}): Promise<readonly Synapse[]> {
    const root = await installSynapse();
    const ports = await freePorts(2 * count);
    const federationPorts = ports.slice(count);
    const serverNames = federationPorts.map(serverNameOf);
    const servers = await Promise.all(
      federationPorts.map(async (federationPort, i) => {
        const clientPort = ports[i]!;
        const folder = `/srv/${randomUUID()}`;
        const config = synapseConfig({ folder, clientPort, federationPort, serverNames, tokenLifetime });
        await writeFiles(root, folder, {
          "homeserver.json": JSON.stringify(config),
          "log.json": JSON.stringify(logConfig(folder)),
          "signing.key": signingKey(),
        });
        makeCertificate(root, folder);
        return new Synapse(root, folder, clientPort, federationPort);
      }),
    );
    await Promise.all(servers.map((server) => server.start()));
    return servers;
  }

  /** Starts the server, again if it was stopped. */
  async start(): Promise<void> {
    const config = `${this.#folder}/homeserver.json`;
    // Without a shell in between, so that the process that is started is the one to stop. If this one dies, so does it.
    const server = ["setpriv", "--pdeathsig", "TERM", "python3", "-m", "synapse.app.homeserver", "-c", config];
    const child = inRoot(this.#root, this.#folder, server);
    this.#process = child;
    let output = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output = `${output}${text}`.slice(-2_000);
    });
    const deadline = performance.now() + START_DEADLINE;
    while (!(await isUp(this.url))) {
      if (hasEnded(child)) throw new Error(`Synapse did not start: ${output}${await this.#log()}`);
      if (performance.now() > deadline) throw new Error(`Synapse did not start in ${START_DEADLINE} ms`);
      await sleep(50);
    }
  }

  /** Stops the server; its data are kept. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || hasEnded(child)) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE);
    await ended;
    clearTimeout(timer);
  }

  /** Stops the server and deletes its data. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(join(this.#root, this.#folder), { recursive: true, force: true });
  }

  async #log(): Promise<string> {
    return await readFile(join(this.#root, this.#folder, "homeserver.log"), "utf8").catch(() => "");
  }
}

/** The arguments of `chroot`, to run a command as a user without rights. */
const chrootOf = (root: string, command: readonly string[]) => [`--userspec=${NOBODY}:${NOBODY}`, root, ...command];
const environment = (folder: string) => ({ HOME: folder, PATH: "/usr/sbin:/usr/bin:/bin", LANG: "C.UTF-8" });

const inRoot = (root: string, folder: string, command: readonly string[]): ChildProcess =>
  spawn("chroot", chrootOf(root, command), { env: environment(folder), stdio: ["ignore", "ignore", "pipe"] });

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

const isUp = (url: string): Promise<boolean> =>
  fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );

async function writeFiles(root: string, folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  await chown(join(root, folder), NOBODY, NOBODY);
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, folder, name);
    await writeFile(path, text);
    await chown(path, NOBODY, NOBODY);
  }
}

function makeCertificate(root: string, folder: string): void {
  const files = ["-keyout", `${folder}/tls.key`, "-out", `${folder}/tls.crt`];
  const command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", ...files];
  const { status, stderr } = spawnSync("chroot", chrootOf(root, command), {
    env: environment(folder),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`no certificate could be made: ${stderr}`);
}

/** Ports that nothing listens on. */
async function freePorts(count: number): Promise<readonly number[]> {
  const listeners = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    listeners.map(
      (listener) =>
        new Promise<number>((resolve, reject) => {
          listener.once("error", reject);
          listener.listen(0, "127.0.0.1", () => {
            const address = listener.address();
            if (typeof address === "object" && address !== null) resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  return ports;
}
