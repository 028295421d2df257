import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import type { SyncResponse } from "../model/wire.js";
import { backoff } from "./backoff.js";
import { MatrixError } from "./matrix-error.js";
import { hasNews, quietPause, quietPolls } from "./quiet-polls.js";
import type { SyncFailed } from "./sync-failed.js";
import type { Wait } from "./wait-for-retry.js";

/**
 * Longest wait that a server can impose, in ms: a longer one is a mistake or malice, and would block the account for as
 * long.
 */
export const MAX_SERVER_WAIT = 3_600_000;
/** The server refuses the access token for good: this login cannot get another one. */
const REFUSED_TOKEN: ReadonlySet<string> = new Set(["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"]);
/**
 * The errors for a `since` that is not a token of the server: the first one from Synapse, the second one from others.
 */
const REFUSED_SINCE: ReadonlySet<string> = new Set(["M_UNKNOWN", "M_INVALID_PARAM"]);

/** The state of the sync loop: the next request and when to send it. */
export interface SyncPosition {
  /** `undefined` for an initial sync. */
  readonly since: string | undefined;
  /**
   * Whether the server must not hold the next poll, because the application waits for what it missed and for the
   * connection.
   */
  readonly catchUp: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** Polls in a row that returned early without news. */
  readonly quiet: number;
  readonly wait: Wait;
  /** The response to emit at this position. */
  readonly response?: SyncResponse;
}

const NO_WAIT: Wait = { ms: 0, atLeast: 0 };

/** The first position, with a saved token or without one. */
export function startFrom(since: string | undefined): SyncPosition {
  return {
    since: typeof since === "string" && since !== "" ? since : undefined,
    catchUp: true,
    failures: 0,
    quiet: 0,
    wait: NO_WAIT,
  };
}

/**
 * The position after a response with status 200.
 *
 * Catching up without news does not reset the count of failures: if it succeeds while each long poll fails, the waits
 * continue to grow.
 *
 * @param elapsed how long the response took, in ms
 * @param timeout how long the server may hold a poll, in ms
 * @throws InvalidResponseError if the body is not a sync response; the tracker checks its parts
 */
export function afterResponse(position: SyncPosition, body: unknown, elapsed: number, timeout: number): SyncPosition {
  const { since } = position;
  if (!isObject(body)) throw new InvalidResponseError("/sync", "", "an object");
  const { next_batch } = body;
  if (typeof next_batch !== "string" || next_batch === "")
    throw new InvalidResponseError("/sync", "next_batch", "a string that is not empty");
  const news = hasNews(body, since);
  const quiet = quietPolls(position.quiet, news, elapsed, timeout);
  const pause = quietPause(quiet, elapsed, timeout);
  return {
    since: next_batch,
    catchUp: false,
    failures: position.catchUp && !news ? position.failures : 0,
    quiet,
    wait: { ms: pause, atLeast: pause },
    response: { ...body, next_batch, since: since ?? null },
  };
}

/** The report of a failure, and the position after it; `undefined` if the failure is final. */
export function afterFailure(
  position: SyncPosition,
  error: Error,
  random: number,
): { readonly failed: SyncFailed; readonly next: SyncPosition | undefined } {
  const attempt = position.failures + 1;
  const since = position.since ?? null;
  if (isFinal(error))
    return {
      failed: { type: "ended", error, attempt, retryIn: null, since, message: `sync has ended: ${error.message}` },
      next: undefined,
    };
  const atLeast = error instanceof MatrixError ? Math.min(MAX_SERVER_WAIT, error.retryAfter ?? 0) : 0;
  const retryIn = Math.max(backoff(attempt, random), atLeast);
  const refused = position.since !== undefined && isRefusedSince(error);
  const plan = refused ? `sync starts over with an initial sync in ${retryIn} ms` : `next attempt in ${retryIn} ms`;
  return {
    failed: {
      type: refused ? "since-refused" : "request-failed",
      error,
      attempt,
      retryIn,
      since,
      message: `sync attempt ${attempt} failed, ${plan}: ${error.message}`,
    },
    next: {
      since: refused ? undefined : position.since,
      catchUp: true,
      failures: attempt,
      quiet: position.quiet,
      wait: { ms: retryIn, atLeast },
    },
  };
}

/**
 * A locked account (401 `M_USER_LOCKED`) is not final: clients should continue polling at a limited rate, to learn when
 * it is unlocked. Neither is a 401 or 403 that is not a Matrix error: it comes from a proxy or a captive portal.
 *
 * @see Matrix spec, client-server API, "Account locking", "Client Authentication"
 */
function isFinal(error: Error): boolean {
  if (!(error instanceof MatrixError) || error.errcode === undefined) return false;
  return error.errcode === "M_USER_DEACTIVATED" || (error.status === 401 && REFUSED_TOKEN.has(error.errcode));
}

function isRefusedSince(error: Error): boolean {
  return (
    error instanceof MatrixError &&
    error.status === 400 &&
    error.errcode !== undefined &&
    REFUSED_SINCE.has(error.errcode)
  );
}
