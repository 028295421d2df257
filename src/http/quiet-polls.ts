import { isObject } from "../model/json.js";

/** How many polls in a row may return early without news before there is a pause. Real servers return a few. */
const FREE_QUIET_POLLS = 3;
/**
 * The minimum time from the start of such a poll to the start of the next one, in ms. Doubles with each further one.
 */
const FIRST_QUIET_CYCLE = 250;
/** A poll that took this long counts as held, in ms: some servers never hold one for the requested time. */
const LONGEST_QUIET_CYCLE = 2_000;
/** Enough for `rooms.join.<room>.timeline.events`, and bounded so that a response cannot overflow the stack. */
const MAX_DEPTH = 5;

/**
 * Returns how many polls in a row have returned early without news.
 *
 * @param before how many before this one
 * @param elapsed how long this one took, in ms
 * @param timeout how long the server may hold a poll, in ms
 */
export function quietPolls(before: number, news: boolean, elapsed: number, timeout: number): number {
  return news || elapsed >= longestCycle(timeout) ? 0 : before + 1;
}

/**
 * Returns how long to wait after such a poll, in ms: 0 if the server holds polls, up to 2 s if it keeps responding at
 * once. With a shorter `timeout`, it is polled as often as if it held polls, but at most four times a second.
 */
export function quietPause(quiet: number, elapsed: number, timeout: number): number {
  if (quiet <= FREE_QUIET_POLLS) return 0;
  const cycle = Math.min(longestCycle(timeout), FIRST_QUIET_CYCLE * 2 ** (quiet - FREE_QUIET_POLLS - 1));
  return Math.max(0, cycle - elapsed);
}

/** At least `FIRST_QUIET_CYCLE`: a `timeout` of 0 means to poll often, not to spin. */
function longestCycle(timeout: number): number {
  return Math.max(FIRST_QUIET_CYCLE, Math.min(LONGEST_QUIET_CYCLE, timeout));
}

/**
 * True if a sync response has news: the token moved, and some list is not empty. (If there is news but the token is the
 * same, the server would send the same news again at once.) Key counts and key types are in every response.
 */
export function hasNews(response: Readonly<Record<string, unknown>>, since: string | undefined): boolean {
  if (response.next_batch === since) return false;
  return Object.entries(response).some(
    ([name, part]) => !name.endsWith("device_unused_fallback_key_types") && holdsList(part, MAX_DEPTH),
  );
}

function holdsList(part: unknown, depth: number): boolean {
  if (Array.isArray(part)) return part.length > 0;
  return depth > 0 && isObject(part) && Object.values(part).some((inner) => holdsList(inner, depth - 1));
}
