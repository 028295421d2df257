import type { Output } from "./output.js";
import type { Options } from "./parse-command.js";
import type { Session } from "./session.js";

/** What a command works with. */
export interface CommandContext {
  readonly session: Session;
  readonly options: Options;
  readonly output: Output;
  /** Runs when the command is over, however it ends. */
  readonly atEnd: (cleanUp: () => void | Promise<void>) => void;
}

/** Resolves with the exit code. */
export type Command = (context: CommandContext, operands: readonly string[]) => Promise<number>;
