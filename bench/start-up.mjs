// From the import to the first answer, in a new process each time.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundle } from "../scripts/size.mjs";
import { compare } from "./measure.mjs";

const run = promisify(execFile);

const OURS = new URL("./start-up-ours.mjs", import.meta.url);
const PEER = new URL("./start-up-peer.mjs", import.meta.url);

/** A sample: the script, run in a new process, prints how long it took. */
const start =
  (script, ...args) =>
  async () => {
    const { stdout } = await run(process.execPath, [fileURLToPath(script), ...args]);
    return Number(stdout);
  };

export async function startUp() {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  const bundled = join(folder, "bundle.mjs");
  await writeFile(
    bundled,
    await bundle(
      `export { DeviceTracker } from "matrix-device-tracker"; export { EMPTY, firstValueFrom, of } from "rxjs";`,
    ),
  );
  const { href } = pathToFileURL(bundled);
  const rows = [
    {
      name: "start-up to the first answer, ours bundled as for a page",
      note: "a new Node process each time, without its own start; from disk, without a download",
      ...(await compare(start(OURS, href, href), start(PEER))),
    },
    {
      name: "the same, ours as Node finds it in node_modules",
      note: "Node loads rxjs as some 200 CommonJS files, which take nearly all of our time",
      ...(await compare(start(OURS), start(PEER))),
    },
  ];
  await rm(folder, { recursive: true });
  return rows;
}
