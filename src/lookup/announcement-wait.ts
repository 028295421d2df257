/** Answers in a row that change nothing after which announcements of the user are not followed at once any more. */
const MAX_UNCHANGED = 3;
/** First wait after these, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_WAIT = 1_000;
const MAX_WAIT = 300_000;
/** Lookups of a user that may follow each other at once, before they are spread over time. */
const MAX_BURST = 20;
/** How long each of them counts, in ms: the time between two of them once there were too many. */
const SPREAD = 1_000;

/**
 * How long to wait before a user who was announced again is queried, in ms.
 *
 * 1. Some servers announce a user because we queried them. That shows by answers that change nothing.
 * 2. A server whose answers differ each time could have us query as fast as it announces. That shows by too many lookups
 *    at once.
 * @param unchanged answers in a row that changed nothing
 * @param spreadUntil from {@link spreadAfterLookup}
 */
export function waitAfterAnnouncement(unchanged: number, spreadUntil: number, now: number): number {
  const echo = unchanged < MAX_UNCHANGED ? 0 : Math.min(FIRST_WAIT * 2 ** (unchanged - MAX_UNCHANGED), MAX_WAIT);
  return spreadUntil - now > MAX_BURST * SPREAD ? Math.max(echo, SPREAD) : echo;
}

/**
 * When all lookups so far and one more will have counted for their time. A clock that was set back does not prolong it.
 */
export function spreadAfterLookup(spreadUntil: number, now: number): number {
  return Math.min(Math.max(spreadUntil, now), now + MAX_BURST * SPREAD) + SPREAD;
}
