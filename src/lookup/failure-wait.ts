import { retryWait } from "../model/retry-wait.js";

/** How often in a row a refused access token is tried again when the server answers other requests. */
const MAX_REFUSALS = 3;

export interface FailedLookups {
  /** In a row. */
  readonly failures: number;
  /**
   * True if the latest lookup began before its time, because the user was announced or the server answered another
   * request.
   */
  readonly isEarly: boolean;
  /** Early lookups that failed since the last success. */
  readonly inVain: number;
}

export interface FailureWait {
  /** In ms; `Infinity` if retrying is pointless. */
  readonly wait: number;
  /** Time always ends the wait; an announcement of the user or any response of the server may end it earlier. */
  readonly endedBy: WaitEnd;
}
export type WaitEnd = "time" | "announcement" | "response";

/**
 * Returns the wait after one more failure.
 *
 * 1. It doubles with each failure in a row, and is never shorter than the server asks for.
 * 2. An announcement ends it, as does any response if the server was not reached. If that early lookup fails too, only
 *    time ends the next wait, starting at 2 s again, so that no server makes us spin.
 * 3. After a final failure, retrying is pointless until the server answers a request.
 */
export function waitAfterFailure({ failures, isEarly, inVain }: FailedLookups, error: unknown): FailureWait {
  if (isFinal(error) && inVain < MAX_REFUSALS) return { wait: Number.POSITIVE_INFINITY, endedBy: "response" };
  const wait = retryWait(isEarly ? inVain : failures);
  const retryAfter = numberIn(error, "retryAfter");
  if (retryAfter !== undefined) return { wait: Math.max(wait, retryAfter), endedBy: "time" };
  return { wait, endedBy: isEarly ? "time" : isDisconnected(error) ? "response" : "announcement" };
}

/**
 * True if the query can no longer succeed: its access token was refused for good, or the account is deactivated. False
 * if the token was not received (`M_MISSING_TOKEN`), if there is a new one, or if another endpoint refused it.
 */
function isFinal(error: unknown): boolean {
  const errcode = fieldOf(error, "errcode");
  if ((fieldOf(error, "endpoint") ?? QUERY) !== QUERY) return false;
  if (errcode === "M_USER_DEACTIVATED") return true;
  return errcode === "M_UNKNOWN_TOKEN" && fieldOf(error, "status") === 401 && fieldOf(error, "tokenReplaced") !== true;
}

const QUERY = "/keys/query";

/** True if the server was not reached at all. Once it is, a retry is worthwhile at once. */
const isDisconnected = (error: unknown): boolean => error !== undefined && numberIn(error, "status") === undefined;

const numberIn = (error: unknown, name: string): number | undefined => {
  const value = fieldOf(error, name);
  return Number.isFinite(value) ? (value as number) : undefined;
};

const fieldOf = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null && name in error
    ? (error as Readonly<Record<string, unknown>>)[name]
    : undefined;
