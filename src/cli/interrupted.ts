type Cause = "SIGINT" | "SIGTERM" | "SIGHUP" | "EPIPE";

/** As shells report them: 128 plus the number of the signal. A closed pipe is not a failure. */
const EXIT_CODES: Readonly<Record<Cause, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, EPIPE: 0 };

export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitCode: number;
  constructor(cause: Cause) {
    super(`stopped by ${cause}`);
    this.exitCode = EXIT_CODES[cause];
  }
}
