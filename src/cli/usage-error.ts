/** The command line or the environment is wrong. Nothing was sent. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
