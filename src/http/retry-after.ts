/** Headers of a response that concern time, unchecked: a proxy may have written them. */
export interface TimeHeaders {
  readonly retryAfter: unknown;
  /** The server's own clock, `Date`. */
  readonly date: unknown;
}

/**
 * Returns how long to wait before a retry according to the server, in ms; `undefined` if it does not say.
 *
 * `retry_after_ms` in the body is deprecated, but often the only value that a browser can read (`Retry-After` needs a
 * CORS header that few servers send). If both are present, the longer one applies. Values that are not finite numbers
 * of at least 0 are ignored.
 *
 * @param retryAfterMs `retry_after_ms` of the body
 * @param now ms since the epoch, only used for a `Retry-After` date if the response has no `Date`
 * @see Matrix spec, client-server API, "Rate limiting"; RFC 9110, 10.2.3
 */
export function retryAfter(retryAfterMs: unknown, headers: TimeHeaders, now: number): number | undefined {
  const waits = [retryAfterMs, fromHeader(headers, now)]
    .filter((ms) => typeof ms === "number")
    .filter((ms) => Number.isFinite(ms) && ms >= 0);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function fromHeader({ retryAfter, date }: TimeHeaders, now: number): number | undefined {
  if (typeof retryAfter !== "string") return undefined;
  if (/^\s*\d+\s*$/u.test(retryAfter)) return Number(retryAfter) * 1_000;
  const until = Date.parse(retryAfter);
  if (Number.isNaN(until)) return undefined;
  // By the server's clock if it is known: ours may be hours off.
  const serverNow = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Math.max(0, until - (Number.isNaN(serverNow) ? now : serverNow));
}
