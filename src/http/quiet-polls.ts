import { isObject } from "../model/json.js";

/** So many polls in a row may come back early and without news; a few do on real servers. */
const FREE_QUIET_POLLS = 3;
/** The one after that begins at least this long after the one before it, in ms; doubles from there. */
const FIRST_QUIET_CYCLE = 250;
/** A poll that was held this long was held, in ms: some servers hold none for as long as we ask. */
const LONGEST_QUIET_CYCLE = 2_000;
/** Deep enough for `rooms.join.<room>.timeline.events`, and no way to exhaust the stack. */
const MAX_DEPTH = 5;

/**
 * How many polls in a row have now come back early and without news.
 *
 * @param before how many before this one
 * @param elapsed how long it took, in ms
 * @param timeout how long the server may hold a poll, in ms
 */
export function quietPolls(before: number, news: boolean, elapsed: number, timeout: number): number {
  return news || elapsed >= longestCycle(timeout) ? 0 : before + 1;
}

/**
 * How long to wait after such a poll, in ms. A server that holds its polls never meets this; one that answers at once, for ever, is
 * asked every 2 s in the end. With a `timeout` of less than that, as often as if it held them, but not more than four times a second.
 */
export function quietPause(quiet: number, elapsed: number, timeout: number): number {
  if (quiet <= FREE_QUIET_POLLS) return 0;
  const cycle = Math.min(longestCycle(timeout), FIRST_QUIET_CYCLE * 2 ** (quiet - FREE_QUIET_POLLS - 1));
  return Math.max(0, cycle - elapsed);
}

/** The least that the pause may ever come down to is `FIRST_QUIET_CYCLE`: a `timeout` of 0 is a wish to ask often, not to spin. */
function longestCycle(timeout: number): number {
  return Math.max(FIRST_QUIET_CYCLE, Math.min(LONGEST_QUIET_CYCLE, timeout));
}

/**
 * Whether a sync response says anything: the token moved, and there is a list somewhere that is not empty. (Had it news without
 * moving the token, it would have the same news again at once.) Key counts and key types come with every response.
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
