/** The headers of an answer that say something about time; as they came, for a proxy may have written them. */
export interface TimeHeaders {
  readonly retryAfter: unknown;
  /** The server's own clock, `Date`. */
  readonly date: unknown;
}

/**
 * How long a server asks to be left alone, in ms; undefined where it does not ask.
 *
 * The body's `retry_after_ms` is deprecated and yet often the only one that a browser lets us read (`Retry-After` needs a CORS
 * header that few servers send). Where both are there the longer one holds: never sooner than either asked.
 * What is not a finite number of at least 0 asks for nothing.
 *
 * @param retryAfterMs the body's `retry_after_ms`
 * @param now ms since the epoch, used only where a `Retry-After` date comes without the server's own clock
 * @see Matrix spec, client-server API, "Rate limiting"; RFC 9110, 10.2.3
 */
export function retryAfter(retryAfterMs: unknown, headers: TimeHeaders, now: number): number | undefined {
  const asked = [retryAfterMs, fromHeader(headers, now)]
    .filter((ms) => typeof ms === "number")
    .filter((ms) => Number.isFinite(ms) && ms >= 0);
  return asked.length === 0 ? undefined : Math.max(...asked);
}

function fromHeader({ retryAfter, date }: TimeHeaders, now: number): number | undefined {
  if (typeof retryAfter !== "string") return undefined;
  if (/^\s*\d+\s*$/u.test(retryAfter)) return Number(retryAfter) * 1_000;
  const until = Date.parse(retryAfter);
  if (Number.isNaN(until)) return undefined;
  // By the server's clock where it tells it: ours may be hours off.
  const serverNow = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Math.max(0, until - (Number.isNaN(serverNow) ? now : serverNow));
}
