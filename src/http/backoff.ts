/**
 * Longest wait after a first failure, in ms; doubled with each further one. The shortest is half of it, so that no
 * retry comes within a second.
 */
const FIRST_BACKOFF = 2_000;
/** Longest wait, in ms: a person may be looking at the screen. */
export const MAX_BACKOFF = 60_000;

/**
 * Returns how long to wait after the n-th failure in a row, in ms: 1 to 2 s, 2 to 4 s, … 30 to 60 s.
 *
 * Half of each wait is random: a server's clients all lose it at the same moment, and must not all return at once.
 *
 * @param attempt 1 for the first failure
 * @param random in [0, 1), such as `Math.random()`
 */
export function backoff(attempt: number, random: number): number {
  const longest = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1));
  return Math.round((longest / 2) * (1 + random));
}
