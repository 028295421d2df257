import type { Output } from "./output.js";
import type { Options } from "./parse-command.js";
import type { Session } from "./session.js";

export interface CommandContext {
  readonly session: Session;
  readonly options: Options;
  readonly output: Output;
  /** Runs when the command ends, for whatever reason. */
  readonly atEnd: (cleanUp: () => void | Promise<void>) => void;
}

/** Resolves with the exit code. */
export type Command = (context: CommandContext, operands: readonly string[]) => Promise<number>;
