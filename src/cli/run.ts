import { inEnvironmentTerms } from "./environment-terms.js";
import { readEnvironment } from "./environment.js";
import { helpFor } from "./help.js";
import { Interrupted } from "./interrupted.js";
import { parseCommand } from "./parse-command.js";
import type { Surroundings } from "./surroundings.js";
import { UsageError } from "./usage-error.js";
import { version } from "./version.js";

const FAILURE = 1;
const WRONG_USAGE = 2;

/** Runs a command line. Resolves with its exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { output, env } = surroundings;
  try {
    const parsed = parseCommand(args);
    if (parsed.type === "help") output.text(helpFor(parsed.command));
    else if (parsed.type === "version") output.text(version());
    else {
      const account = readEnvironment(env);
      const { perform } = await import("./perform.js"); // help works without the packages that commands need
      return await perform(parsed, account, surroundings);
    }
    return 0;
  } catch (error) {
    output.clearStatus();
    if (error instanceof Interrupted) return error.exitCode;
    output.error(inEnvironmentTerms(explained(error)));
    if (!(error instanceof UsageError)) return FAILURE;
    output.note("Try: matrix-device-tracker --help");
    return WRONG_USAGE;
  }
}

/** Returns the messages of an error and of its causes. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const missing = missingPackage(error);
  if (missing !== undefined) return `this needs the package ${missing}: npm install matrix-device-tracker ${missing}`;
  const message = error.message === "" ? error.name : error.message;
  return error.cause instanceof Error && !message.includes(error.cause.message)
    ? `${message} (${explained(error.cause)})`
    : message;
}

/** Returns the name of an optional package that is not installed beside this one. */
const missingPackage = (error: Error): string | undefined =>
  "code" in error && error.code === "ERR_MODULE_NOT_FOUND"
    ? /Cannot find package '([^']+)'/u.exec(error.message)?.[1]
    : undefined;
