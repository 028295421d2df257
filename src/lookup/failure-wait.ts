/** First wait after a failed query, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_WAIT = 2_000;
const MAX_WAIT = 300_000;
/** How often in a row a refused access token is tried again because the server answers other requests. */
const MAX_REFUSALS = 3;

/** What is known of the failed lookups of a user. */
export interface FailedLookups {
  /** Failures in a row. */
  readonly failures: number;
  /** Whether the latest lookup did not wait for its time: the user was announced, or the server answered something. */
  readonly isEarly: boolean;
  /** Such lookups that failed, since one succeeded. */
  readonly inVain: number;
}

/** A wait for the next lookup. */
export interface FailureWait {
  /** In ms; `Infinity` if a retry is of no use. */
  readonly wait: number;
  /** What ends it: time alone, or an announcement of the user as well, or any response of the server as well. */
  readonly endedBy: WaitEnd;
}
export type WaitEnd = "time" | "announcement" | "response";

/**
 * The wait after one more failure.
 *
 * 1. It doubles with each failure in a row, and is never shorter than the server asks for.
 * 2. An announcement ends it, and if the server was not reached, any response. If that lookup fails as well, only time
 *    ends the next wait, so that no server makes us spin; these waits begin at 2 s, too.
 * 3. After a final failure, a retry is of no use until the server answers something.
 */
export function waitAfterFailure({ failures, isEarly, inVain }: FailedLookups, error: unknown): FailureWait {
  if (isFinal(error) && inVain < MAX_REFUSALS) return { wait: Number.POSITIVE_INFINITY, endedBy: "response" };
  const wait = Math.min(FIRST_WAIT * 2 ** (isEarly ? inVain : failures), MAX_WAIT);
  const retryAfter = numberIn(error, "retryAfter");
  if (retryAfter !== undefined) return { wait: Math.max(wait, retryAfter), endedBy: "time" };
  return { wait, endedBy: isEarly ? "time" : isDisconnected(error) ? "response" : "announcement" };
}

/**
 * Whether a query cannot succeed any more: the access token was refused for good, or the account is deactivated. Not if
 * the token did not arrive (`M_MISSING_TOKEN`), if there is another one, or if it was another request that was refused.
 */
function isFinal(error: unknown): boolean {
  const errcode = fieldOf(error, "errcode");
  if ((fieldOf(error, "endpoint") ?? QUERY) !== QUERY) return false;
  if (errcode === "M_USER_DEACTIVATED") return true;
  return errcode === "M_UNKNOWN_TOKEN" && fieldOf(error, "status") === 401 && fieldOf(error, "tokenReplaced") !== true;
}

const QUERY = "/keys/query";

/** Whether the server was not reached at all: once it is, trying again is worth it at once. */
const isDisconnected = (error: unknown): boolean => error !== undefined && numberIn(error, "status") === undefined;

const numberIn = (error: unknown, name: string): number | undefined => {
  const value = fieldOf(error, name);
  return Number.isFinite(value) ? (value as number) : undefined;
};

const fieldOf = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null && name in error
    ? (error as Readonly<Record<string, unknown>>)[name]
    : undefined;
