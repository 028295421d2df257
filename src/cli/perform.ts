import type { Command } from "./command.js";
import { devices } from "./commands/devices.js";
import { room } from "./commands/room.js";
import { watch } from "./commands/watch.js";
import { whois } from "./commands/whois.js";
import type { Account } from "./environment.js";
import type { CommandName, Parsed } from "./parse-command.js";
import { openSession } from "./session.js";
import type { Surroundings } from "./surroundings.js";

const COMMANDS: Readonly<Record<CommandName, Command>> = { watch, devices, room, whois };

/** Performs a command until it is done or stopped, and cleans up after it. Resolves with the exit code. */
export async function perform(
  { command, operands, options }: Parsed & { readonly type: "command" },
  account: Account,
  { output, stdin, stopped }: Surroundings,
): Promise<number> {
  stopped.throwIfAborted();
  const cleanUps: (() => void | Promise<void>)[] = [];
  const atEnd = (cleanUp: () => void | Promise<void>) => {
    stopped.throwIfAborted(); // anything still running ends here, and opens nothing during the clean-up
    cleanUps.unshift(cleanUp);
  };
  const performing = async () => {
    const session = await openSession(account, { stdin, output, atEnd });
    if (stopped.aborted) return 0; // while it was being opened
    return COMMANDS[command]({ session, options, output, atEnd }, operands);
  };
  const interrupted = new Promise<never>((_, reject) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is an Interrupted
    stopped.addEventListener("abort", () => reject(stopped.reason), { once: true });
  });
  try {
    const performed = performing();
    performed.catch(() => undefined); // it may fail after it was stopped
    return await Promise.race([performed, interrupted]);
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
    output.clearStatus();
  }
}
