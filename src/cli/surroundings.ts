import type { Input } from "./ask-password.js";
import type { Output } from "./output.js";

/** What a run needs from its process. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly output: Output;
  /** Aborts, with an `Interrupted`, to stop the command. */
  readonly stopped: AbortSignal;
}
