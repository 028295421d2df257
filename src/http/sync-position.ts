import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import type { SyncResponse } from "../model/wire.js";
import { backoff } from "./backoff.js";
import { MatrixError } from "./matrix-error.js";
import { hasNews, quietPause, quietPolls } from "./quiet-polls.js";
import type { SyncFailed } from "./sync-failed.js";
import type { Wait } from "./wait-for-retry.js";

/** Longest wait that a server can impose, in ms: beyond it is a mistake or malice, and the account would be dead for as long. */
export const MAX_SERVER_WAIT = 3_600_000;
/** The server does not take this token, or not any more, and no other is to be had from the same login. */
const REFUSED_TOKEN: ReadonlySet<string> = new Set(["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"]);
/** What servers call a `since` that is no token of theirs: Synapse the first, others the second. */
const REFUSED_SINCE: ReadonlySet<string> = new Set(["M_UNKNOWN", "M_INVALID_PARAM"]);

/** Where the sync loop stands: what to ask next, and when. */
export interface SyncPosition {
  /** Undefined: an initial sync is next. */
  readonly since: string | undefined;
  /** The next poll is not to be held: someone waits to hear whether there is a connection and what was missed. */
  readonly catchUp: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** Polls in a row that came back early and without news. */
  readonly quiet: number;
  readonly wait: Wait;
  /** What the step to here brought. */
  readonly response?: SyncResponse;
}

const NO_WAIT: Wait = { ms: 0, atLeast: 0 };

/** The start, from a saved token or from nothing. */
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
 * The step after an answer with status 200.
 *
 * A catch-up without news leaves the count of failures as it is: where catching up succeeds and each long poll fails, the waits
 * go on growing.
 *
 * @param elapsed how long the answer took, in ms
 * @param timeout how long the server may hold a poll, in ms
 * @throws InvalidResponseError if it is no sync response; what its parts hold is for the tracker to check
 */
export function afterAnswer(position: SyncPosition, body: unknown, elapsed: number, timeout: number): SyncPosition {
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

/** The step after a failure, and how it is told; no step where the failure is final. */
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
 * A locked account (401 `M_USER_LOCKED`) is not final: clients should go on asking, at a limited rate, to learn when it is unlocked. Nor is a
 * 401 or 403 that is none of Matrix's: it comes from a proxy or a hotel's network.
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
