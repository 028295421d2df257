import { DeviceTrackerError } from "../model/errors.js";

/**
 * What became of an operation on the database:
 *
 * - `unavailable` there is no IndexedDB here, or the browser denies it
 * - `full`        there is no room for what was to be written
 * - `newer`       the database has been upgraded by a newer version of this package
 * - `foreign`     the database is somebody else's: it does not hold what ours hold
 * - `aborted`     the browser ended the operation in the middle
 * - `failed`      anything else; the `cause` says what
 */
export type StoreFailure = "unavailable" | "full" | "newer" | "foreign" | "aborted" | "failed";

/** The database could not do what it was asked; nothing of the operation was written. */
export class StoreError extends DeviceTrackerError {
  override readonly name = "StoreError";
  constructor(
    readonly databaseName: string,
    readonly failure: StoreFailure,
    options?: ErrorOptions,
  ) {
    super(`the database "${databaseName}" ${explanations[failure]}`, options);
  }
}

const explanations: Record<StoreFailure, string> = {
  unavailable:
    "cannot be opened: IndexedDB is not available here (not a browser, a private window, a sandboxed frame, or the user's settings); " +
    "memoryStore() works anywhere, for as long as the page lives",
  full: "has no room left: the disk is full, or this site's share of it; free some space and try again",
  newer:
    "was written by a newer version of this package: update the package or reload the page; until then nothing is read or saved",
  foreign: "exists, but holds something else: give idbStore() a name that nothing else uses",
  aborted: "was interrupted by the browser (it closes databases to clear a site's data, for one): try again",
  failed: "failed; see the cause, and try again",
};

/** By the names that the IndexedDB specification and the browsers give to their exceptions. */
const failures = new Map<string, StoreFailure>([
  ["SecurityError", "unavailable"],
  ["QuotaExceededError", "full"],
  ["VersionError", "newer"],
  ["NotFoundError", "foreign"],
  ["AbortError", "aborted"],
]);

/** Makes an error of what the browser says, which is `null` where it aborts a transaction without a reason. */
export function storeError(databaseName: string, cause: unknown): StoreError {
  if (cause === null || cause === undefined) return new StoreError(databaseName, "aborted");
  const failure = cause instanceof Error ? failures.get(cause.name) : undefined;
  return new StoreError(databaseName, failure ?? "failed", { cause });
}
