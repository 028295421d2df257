import { InvalidResponseError } from "../model/errors.js";
import type { SyncResponse } from "../model/wire.js";
import { backoff } from "./backoff.js";
import { ConnectionError } from "./connection-error.js";
import { MatrixError } from "./matrix-error.js";
import { isSyncEndpoint } from "./sync-endpoints.js";
import { hasNews, quietPause, quietPolls } from "./quiet-polls.js";
import type { SyncFailed } from "./sync-failed.js";
import { TokenOwnerError } from "./token-owner-error.js";
import type { Wait } from "./wait-for-retry.js";

/**
 * Longest wait that a server can impose, in ms: a longer one is a mistake or malicious, and would block the account.
 */
export const MAX_SERVER_WAIT = 3_600_000;
/** After this many refusals of the same poll with 400, for an unknown reason, the token is dropped. */
const MAX_BAD_REQUESTS = 3;
/** Longest deadline of a slow poll, in ms. */
const MAX_DEADLINE = 3_600_000;
/** The errors for an unknown `since`: of Synapse, of Dendrite and Conduit, of its successors, and of sliding sync. */
const REFUSED_SINCE: ReadonlySet<unknown> = new Set([
  "M_UNKNOWN",
  "M_INVALID_PARAM",
  "M_INVALID_ARGUMENT_VALUE",
  "M_UNKNOWN_POS",
]);

/** The state of the sync loop: the next request and when to send it. */
export interface SyncPosition {
  /** `undefined` for an initial sync. */
  readonly since: string | undefined;
  /**
   * True if the server must not hold the next poll, because the application waits for what it missed and for the
   * connection.
   */
  readonly catchUp: boolean;
  /** Failures in a row. Neither an initial sync nor catching up without news resets it. */
  readonly failures: number;
  /** Our own deadlines that have passed in a row: each doubles the next one. */
  readonly deadlines: number;
  /** Refusals of this `since` with 400 in a row. */
  readonly badRequests: number;
  /** Polls in a row that returned early without news. */
  readonly quiet: number;
  readonly wait: Wait;
  /** The response to emit at this position. */
  readonly response?: SyncResponse;
}

const NO_WAIT: Wait = { ms: 0, atLeast: 0 };

/** Returns the first position, with or without a saved token. */
export function startFrom(since: string | undefined): SyncPosition {
  return {
    since: typeof since === "string" && since !== "" ? since : undefined,
    catchUp: true,
    failures: 0,
    deadlines: 0,
    badRequests: 0,
    quiet: 0,
    wait: NO_WAIT,
  };
}

/** Returns how long to wait for a response, in ms: a server that was too slow for a deadline needs a longer one. */
export function deadlineAt({ deadlines }: SyncPosition, usual: number): number {
  return Math.max(usual, Math.min(MAX_DEADLINE, usual * 2 ** deadlines));
}

/**
 * Returns the position for repeating a poll at once: the connection is back, and the poll may never have been answered.
 */
export function repeatOf({ response: _, ...position }: SyncPosition): SyncPosition {
  return { ...position, catchUp: true, wait: NO_WAIT };
}

/**
 * Returns the position after a response with status 200.
 *
 * Neither catching up without news nor an initial sync resets the count of failures: if they succeed while each long
 * poll fails, or each `since` is refused, the waits continue to grow.
 *
 * @param elapsed how long the response took, in ms
 * @param timeout how long the server may hold a poll, in ms
 * @throws InvalidResponseError if the body is not a sync response; the tracker checks its parts
 */
export function afterResponse(
  position: SyncPosition,
  body: Readonly<Record<string, unknown>>,
  elapsed: number,
  timeout: number,
): SyncPosition {
  const { since } = position;
  const { next_batch } = body;
  if (typeof next_batch !== "string" || next_batch === "")
    throw new InvalidResponseError("/sync", "next_batch", "a string that is not empty");
  const news = hasNews(body, since);
  const quiet = quietPolls(position.quiet, news, elapsed, timeout);
  const pause = quietPause(quiet, elapsed, timeout);
  const endsFailures = since !== undefined && (news || !position.catchUp);
  return {
    since: next_batch,
    catchUp: false,
    failures: endsFailures ? 0 : position.failures,
    deadlines: 0,
    badRequests: 0,
    quiet,
    wait: { ms: pause, atLeast: pause },
    response: { ...body, next_batch, since: since ?? null },
  };
}

/**
 * Returns the report of a failure, and the position after it; `undefined` if the failure is final.
 *
 * @param isUnsupported true if the server does not know the endpoint. If there is a token, the server once knew it, and
 * may again.
 */
export function afterFailure(position: SyncPosition, error: Error, random: number, isUnsupported = false): Failure {
  if (isFinal(error) || (isUnsupported && position.since === undefined)) return ended(position, error);
  const badRequests = isRefusalOfSync(error) && error.status === 400 ? position.badRequests + 1 : 0;
  if (position.since !== undefined && isRefusedSince(error, badRequests))
    return retried("since-refused", { ...position, since: undefined, badRequests: 0 }, position, error, random);
  const deadlines = position.deadlines + (isOwnDeadline(error) ? 1 : 0);
  return retried("request-failed", { ...position, deadlines, badRequests }, position, error, random);
}

/** Like {@link afterFailure}, if the application could not save the response: the poll that returned it is repeated. */
export function afterFailedSave(position: SyncPosition, error: Error, random: number): Failure {
  return retried("save-failed", position, position, error, random);
}

/** A report, and the position after it, if any. */
export interface Failure {
  readonly failed: SyncFailed;
  readonly next: SyncPosition | undefined;
}

function ended({ failures, since }: SyncPosition, error: Error): Failure {
  const message = `sync has ended: ${error.message}`;
  const failed: SyncFailed = {
    type: "ended",
    error,
    attempt: failures + 1,
    retryIn: null,
    since: since ?? null,
    message,
  };
  return { failed, next: undefined };
}

function retried(
  type: "request-failed" | "since-refused" | "save-failed",
  next: SyncPosition,
  { failures, since }: SyncPosition,
  error: Error,
  random: number,
): Failure {
  const attempt = failures + 1;
  const atLeast = error instanceof MatrixError ? Math.min(MAX_SERVER_WAIT, error.retryAfter ?? 0) : 0;
  const retryIn = Math.max(backoff(attempt, random), atLeast);
  const plan =
    type === "since-refused"
      ? `sync starts over with an initial sync in ${retryIn} ms`
      : `next attempt in ${retryIn} ms`;
  const what = type === "save-failed" ? "could not save its response" : "failed";
  const message = `sync attempt ${attempt} ${what}, ${plan}: ${error.message}`;
  return {
    failed: { type, error, attempt, retryIn, since: since ?? null, message },
    next: { ...repeatOf(next), failures: attempt, wait: { ms: retryIn, atLeast } },
  };
}

/** True if the homeserver refused the poll itself. Errors of `accessToken` concern a request of its own. */
function isRefusalOfSync(error: Error): error is MatrixError {
  return error instanceof MatrixError && isSyncEndpoint(error.endpoint);
}

/**
 * Whether the login has ended, or is that of another user. These are not final:
 *
 * - A locked account (401 `M_USER_LOCKED`): clients should continue polling at a limited rate, to learn when it is
 *   unlocked.
 * - A 401 or 403 that is not a Matrix error: it comes from a proxy or a captive portal.
 * - 401 `M_MISSING_TOKEN`: the token was lost on the way, in a redirect or a proxy.
 * - 401 `M_UNKNOWN_TOKEN` if `accessToken` has another token.
 *
 * @see Matrix spec, client-server API, "Account locking", "Client Authentication"
 */
function isFinal(error: Error): boolean {
  if (error instanceof TokenOwnerError) return true;
  if (!isRefusalOfSync(error)) return false;
  const { status, errcode, tokenReplaced } = error;
  return errcode === "M_USER_DEACTIVATED" || (status === 401 && errcode === "M_UNKNOWN_TOKEN" && !tokenReplaced);
}

function isRefusedSince(error: Error, badRequests: number): boolean {
  if (!isRefusalOfSync(error) || error.status !== 400) return false;
  return REFUSED_SINCE.has(error.errcode) || badRequests >= MAX_BAD_REQUESTS;
}

function isOwnDeadline(error: Error): boolean {
  return error instanceof ConnectionError && isSyncEndpoint(error.endpoint) && error.deadline !== undefined;
}
