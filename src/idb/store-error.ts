import { DeviceTrackerError } from "../model/errors.js";

/**
 * Why an operation on the database failed:
 *
 * - `unavailable` there is no IndexedDB here, or the browser denies it
 * - `full`        there is no room left for the records
 * - `newer`       the database has been upgraded by a newer version of this package
 * - `foreign`     the database belongs to something else: it has other contents
 * - `aborted`     the browser interrupted the operation
 * - `failed`      anything else; see the `cause`
 */
export type StoreFailure = "unavailable" | "full" | "newer" | "foreign" | "aborted" | "failed";

/** An operation on the database failed, and wrote nothing. */
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
    "cannot be opened: IndexedDB is not available here (not a browser, a private window, a sandboxed frame, " +
    "or the user's settings); " +
    "memoryStore() works anywhere, as long as the page lives",
  full: "has no room left: the disk or this site's quota is full; free some space and try again",
  newer:
    "was written by a newer version of this package: update the package or reload the page; " +
    "until then nothing is read or written",
  foreign: "exists, but belongs to something else: give idbStore() a name that nothing else uses",
  aborted: "was interrupted by the browser, for example because the site's data was cleared: try again",
  failed: "failed; see the cause, and try again",
};

/** Names of exceptions, from the IndexedDB specification and from browsers. */
const failures = new Map<string, StoreFailure>([
  ["SecurityError", "unavailable"],
  ["QuotaExceededError", "full"],
  ["VersionError", "newer"],
  ["NotFoundError", "foreign"],
  ["AbortError", "aborted"],
]);

/** @param cause the browser's error, which is `null` if it aborts a transaction without a reason */
export function storeError(databaseName: string, cause: unknown): StoreError {
  if (cause === null || cause === undefined) return new StoreError(databaseName, "aborted");
  const failure = cause instanceof Error ? failures.get(cause.name) : undefined;
  return new StoreError(databaseName, failure ?? "failed", { cause });
}
