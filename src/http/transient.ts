import axios from "axios";
import { DeviceTrackerError } from "../model/errors.js";
import { ConnectionError } from "./connection-error.js";
import { MatrixError } from "./matrix-error.js";

/**
 * 408 and 425 (a request that came too late or too early), 429 (rate limiting), 500 (a database that is restarting, for
 * example), 502 to 504 (a proxy without a server). 520 to 530 are the same from a well-known proxy (Cloudflare).
 */
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** True if a request may succeed if it is sent again. */
export function isTransient(error: unknown, endpoint: string): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof DeviceTrackerError)) return !axios.isCancel(error); // thrown by `accessToken`
  if (!(error instanceof MatrixError)) return false;
  if (error.endpoint !== endpoint) return true; // thrown by `accessToken`, which sent a request of its own
  const { status, tokenReplaced } = error;
  return tokenReplaced || TRANSIENT_STATUS.has(status) || (status >= 520 && status <= 530);
}

/** True if the server failed to process a request (5xx), and did not say when it will be able to. */
export function isServerFailure(error: unknown, endpoint: string): boolean {
  if (!(error instanceof MatrixError) || error.endpoint !== endpoint) return false;
  return error.status >= 500 && error.retryAfter === undefined;
}
