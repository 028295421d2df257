/** Answers in a row that change nothing after which announcements of the user are not followed at once any more. */
const MAX_UNCHANGED = 3;
/** First wait after these, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_UNCHANGED_WAIT = 1_000;
/** First wait after a failed query, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_FAILURE_WAIT = 2_000;
const MAX_WAIT = 300_000;

/**
 * How long to wait before a user who was announced again is queried, in ms.
 *
 * Some servers announce a user because we queried them; that shows by answers that change nothing.
 * @param unchanged answers in a row that changed nothing
 */
export function waitForEcho(unchanged: number): number {
  return unchanged < MAX_UNCHANGED ? 0 : Math.min(FIRST_UNCHANGED_WAIT * 2 ** (unchanged - MAX_UNCHANGED), MAX_WAIT);
}

/**
 * How long to wait before a user who could not be queried is queried again, in ms; never less than the server asks for.
 * @param failures failures in a row before this one
 */
export function waitAfterFailure(failures: number, error: unknown): number {
  return Math.max(Math.min(FIRST_FAILURE_WAIT * 2 ** failures, MAX_WAIT), numberIn(error, "retryAfter") ?? 0);
}

/** Whether a query cannot succeed any more: the access token was refused for good, or the account is deactivated. */
export function isFinal(error: unknown): boolean {
  const errcode = fieldOf(error, "errcode");
  const isRefused = errcode === "M_UNKNOWN_TOKEN" || errcode === "M_MISSING_TOKEN";
  return errcode === "M_USER_DEACTIVATED" || (isRefused && fieldOf(error, "status") === 401);
}

/** Whether the server was not reached at all: once it is, trying again is worth it at once. */
export const isDisconnected = (error: unknown): boolean =>
  error !== undefined && numberIn(error, "status") === undefined;

const numberIn = (error: unknown, name: string): number | undefined => {
  const value = fieldOf(error, name);
  return typeof value === "number" ? value : undefined;
};

const fieldOf = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null && name in error
    ? (error as Readonly<Record<string, unknown>>)[name]
    : undefined;
