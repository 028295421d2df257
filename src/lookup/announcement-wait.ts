/** After this many unchanged answers in a row, announcements of the user are no longer followed at once. */
const MAX_UNCHANGED = 3;
/** First wait after that, in ms: doubled each time, up to {@link MAX_WAIT}. */
const FIRST_WAIT = 1_000;
const MAX_WAIT = 300_000;
/** How long each announcement counts, in ms, and so the time between two lookups once there were too many. */
const SPREAD = 1_000;
/** How far this may run ahead of the clock, in ms: 20 announcements are followed at once. */
const MAX_AHEAD = 20 * SPREAD;

/**
 * Returns how long to wait before querying a user that was announced again, in ms. This slows down two kinds of
 * servers:
 *
 * 1. One that announces a user because we queried them: its answers change nothing.
 * 2. One with answers that differ each time, which could make us query as fast as it announces: it sends many
 *    announcements at once, however many watchers there are.
 * @param unchanged answers in a row that changed nothing
 * @param spreadUntil from {@link spreadAfterAnnouncement}
 */
export function waitAfterAnnouncement(unchanged: number, spreadUntil: number, now: number): number {
  const echo = unchanged < MAX_UNCHANGED ? 0 : Math.min(FIRST_WAIT * 2 ** (unchanged - MAX_UNCHANGED), MAX_WAIT);
  return Math.max(echo, Math.min(spreadUntil - now - MAX_AHEAD, SPREAD));
}

/**
 * Returns when all announcements so far, and one more, will have been counted. Setting the clock back does not prolong
 * it.
 */
export function spreadAfterAnnouncement(spreadUntil: number, now: number): number {
  return Math.min(Math.max(spreadUntil, now), now + MAX_AHEAD + SPREAD) + SPREAD;
}
