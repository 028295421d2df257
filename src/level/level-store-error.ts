import { DeviceTrackerError } from "../model/errors.js";

/**
 * Why an operation on the database failed:
 *
 * - `locked`   another process, or another thread of this one, has the database open
 * - `foreign`  the directory belongs to something else: it has other contents, or is a file
 * - `newer`    the database was written by a newer version of this package, in a format that this version does not know
 * - `damaged`  files of the database are missing or unreadable
 * - `full`     there is no room left on the disk
 * - `failed`   anything else, such as missing permissions; see the `cause`
 */
export type LevelStoreFailure = "locked" | "foreign" | "newer" | "damaged" | "full" | "failed";

/** An operation on the database failed. An update that failed during the write may still take effect. */
export class LevelStoreError extends DeviceTrackerError {
  override readonly name = "LevelStoreError";
  constructor(
    readonly location: string,
    readonly failure: LevelStoreFailure,
    options?: ErrorOptions,
  ) {
    const cause = failure === "failed" && options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(`the database in "${location}" ${explanations[failure]}${cause}`, options);
  }
}

const explanations: Record<LevelStoreFailure, string> = {
  locked:
    "is in use by another process or worker thread: end that one first, " +
    "or give each one a location of its own; only one can have it open",
  foreign: "cannot be opened, since the location belongs to something else: give levelStore() a directory of its own",
  newer: "was written by a newer version of this package: update the package; until then nothing is read or written",
  damaged:
    "is damaged: restore the directory from a backup, or delete it to start over, " +
    "which loses all pinned keys and verifications",
  full: "has no room left: the disk is full; free some space and try again",
  failed: "failed",
};

export function levelStoreError(location: string, failure: unknown): LevelStoreError {
  if (failure instanceof LevelStoreError) return failure;
  return new LevelStoreError(location, failureOf(causeOf(failure)), { cause: causeOf(failure) });
}

/** The cause of "Database failed to open" is the actual reason. */
const causeOf = (failure: unknown): unknown =>
  failure instanceof Error && codeOf(failure) === "LEVEL_DATABASE_NOT_OPEN" && failure.cause !== undefined
    ? failure.cause
    : failure;

const codeOf = (failure: unknown): unknown =>
  failure instanceof Error && "code" in failure ? failure.code : undefined;

function failureOf(cause: unknown): LevelStoreFailure {
  const message = cause instanceof Error ? cause.message : "";
  switch (codeOf(cause)) {
    case "LEVEL_LOCKED":
      return "locked";
    case "LEVEL_CORRUPTION":
      return "damaged";
    case "LEVEL_INVALID": // another application's order of keys
    case "EEXIST":
    case "ENOTDIR":
      return "foreign";
    case "ENOSPC":
    case "EDQUOT":
      return "full";
    case "LEVEL_IO_ERROR": // LevelDB passes on the system's message, but not its code
      if (message.includes("No space left")) return "full";
      return /MANIFEST-\d+: No such file|\d+\.(?:ldb|sst): No such file/u.test(message) ? "damaged" : "failed";
    default:
      return "failed";
  }
}
