import { end } from "./end.js";
import { Interrupted } from "./interrupted.js";
import { Output } from "./output.js";
import { run } from "./run.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command of this process, and ends it. */
export async function start(): Promise<void> {
  const stopping = new AbortController();
  for (const name of SIGNALS) {
    process.on(name, () => {
      const interrupted = new Interrupted(name);
      if (stopping.signal.aborted) process.exit(interrupted.exitCode); // a second one does not wait for the log-out
      stopping.abort(interrupted);
    });
  }
  // The reader of a pipe, such as head, has closed it.
  process.stdout.on("error", () => stopping.abort(new Interrupted("EPIPE")));
  process.stderr.on("error", () => {});

  const { argv, env, stdin, stdout, stderr } = process;
  const output = new Output({ stdout, stderr, env });
  end(await run(argv.slice(2), { env, stdin, output, stopped: stopping.signal }));
}
