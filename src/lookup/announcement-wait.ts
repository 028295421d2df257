/** Answers in a row that change nothing after which announcements of the user are not followed at once any more. */
const MAX_UNCHANGED = 3;
/** First wait after these, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_WAIT = 1_000;
const MAX_WAIT = 300_000;
/** How long each announcement counts, in ms: the time between two lookups once there were too many. */
const SPREAD = 1_000;
/** How far they may be ahead of time, in ms: 20 of them are followed at once. */
const MAX_AHEAD = 20 * SPREAD;

/**
 * How long to wait before a user who was announced again is queried, in ms.
 *
 * 1. Some servers announce a user because we queried them. That shows by answers that change nothing.
 * 2. A server whose answers differ each time could have us query as fast as it announces. That shows by many
 *    announcements at once, however many watchers there are.
 * @param unchanged answers in a row that changed nothing
 * @param spreadUntil from {@link spreadAfterAnnouncement}
 */
export function waitAfterAnnouncement(unchanged: number, spreadUntil: number, now: number): number {
  const echo = unchanged < MAX_UNCHANGED ? 0 : Math.min(FIRST_WAIT * 2 ** (unchanged - MAX_UNCHANGED), MAX_WAIT);
  return Math.max(echo, Math.min(spreadUntil - now - MAX_AHEAD, SPREAD));
}

/**
 * When all announcements so far and one more will have counted for their time. A clock that was set back does not
 * prolong it.
 */
export function spreadAfterAnnouncement(spreadUntil: number, now: number): number {
  return Math.min(Math.max(spreadUntil, now), now + MAX_AHEAD + SPREAD) + SPREAD;
}
